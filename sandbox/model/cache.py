"""Prompt-cache figures that follow `cache_control` as the real service does.

A prefix ends at a marked block. It is read if the same prefix of the same model was written or read
less than its time to live ago, else written. Below the minimum nothing is cached.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

MINIMUM_TOKENS = 1024
LOOK_BACK_BLOCKS = 20
LIFE_S = {"5m": 300.0, "1h": 3600.0}
ENTRIES_MAX = 20_000


def tokens_in(value: Any) -> int:
    """An estimate: 3.6 bytes of JSON a token is close for Portuguese prose."""
    data = value.encode("utf-8", "replace") if isinstance(value, str) else orjson.dumps(value)
    return max(1, round(len(data) / 3.6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Input side of `usage`; the three add up to the whole prompt."""

    input_tokens: int
    written: int
    read: int
    written_1h: int = 0

    def body(self, *, output_tokens: int) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.written,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written - self.written_1h,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        }


@dataclass(slots=True)
class _Segment:
    tokens: int
    key: str
    ttl: str | None


class PromptCache:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, tuple[float, str]] = {}

    def count(self, body: dict[str, Any]) -> int:
        return sum(s.tokens for s in _segments(body))

    def use(self, body: dict[str, Any]) -> Usage:
        """Figures of this request; remembers its marked prefixes."""
        segments = _segments(body)
        totals: list[int] = []
        running = 0
        for segment in segments:
            running += segment.tokens
            totals.append(running)
        marks = [i for i, s in enumerate(segments) if s.ttl and totals[i] >= MINIMUM_TOKENS]
        if not marks:
            return Usage(input_tokens=running, written=0, read=0)
        now = self._clock()
        hit = self._longest_hit(segments, marks, now)
        read = totals[hit] if hit is not None else 0
        last = marks[-1]
        written = totals[last] - read if last != hit else 0
        written_1h = written if segments[last].ttl == "1h" else 0
        for index in marks:
            ttl = segments[index].ttl or "5m"
            self._until[segments[index].key] = (now + LIFE_S[ttl], ttl)
        if hit is not None:
            _, ttl = self._until[segments[hit].key]
            self._until[segments[hit].key] = (now + LIFE_S[ttl], ttl)
        self._forget(now)
        return Usage(
            input_tokens=running - totals[last], written=written, read=read, written_1h=written_1h
        )

    def _longest_hit(self, segments: list[_Segment], marks: list[int], now: float) -> int | None:
        for mark in reversed(marks):
            for index in range(mark, max(-1, mark - LOOK_BACK_BLOCKS), -1):
                found = self._until.get(segments[index].key)
                if found is not None and found[0] > now:
                    return index
        return None

    def _forget(self, now: float) -> None:
        if len(self._until) > ENTRIES_MAX:
            self._until = {k: v for k, v in self._until.items() if v[0] > now}

    def clear(self) -> None:
        self._until.clear()


def _segments(body: dict[str, Any]) -> list[_Segment]:
    """Tools, then system, then messages, block by block, each with the hash of all before it."""
    digest = hashlib.sha256(str(body.get("model")).encode())
    found: list[_Segment] = []

    def add(block: Any, *, scope: str) -> None:
        ttl: str | None = None
        if isinstance(block, dict):
            control = block.get("cache_control")
            if control:
                ttl = control.get("ttl") or "5m"
            block = {k: v for k, v in block.items() if k != "cache_control"}
        digest.update(scope.encode())
        digest.update(orjson.dumps(block, option=orjson.OPT_SORT_KEYS))
        found.append(_Segment(tokens=tokens_in(block), key=digest.hexdigest(), ttl=ttl))

    for tool in body.get("tools") or ():
        add(tool, scope="tool")
    for block in as_blocks(body.get("system")):
        add(block, scope="system")
    for message in body.get("messages") or ():
        for block in as_blocks(message.get("content")):
            add(block, scope=str(message.get("role")))
    control = body.get("cache_control")
    if control and found:
        found[-1].ttl = control.get("ttl") or "5m"
    return found


def as_blocks(content: Any) -> list[dict[str, Any]]:
    """A string is one text block; None is nothing."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content)
