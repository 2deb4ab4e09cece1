"""A scripted Messages server at the transport: answers in order, remembers every request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx2

Step = dict[str, Any] | Exception


class ScriptedModel:
    """`script` holds answers made by the functions below; the last one repeats."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.hosts: list[str] = []

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._handle)

    def last_text(self) -> str:
        """Everything the model was told in the newest request's messages."""
        return json.dumps(self.requests[-1]["messages"], ensure_ascii=False)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(json.loads(request.content))
        self.keys.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        self.hosts.append(request.url.host)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return httpx2.Response(step["status"], json=step["body"], headers=step.get("headers", {}))


def says(
    message: str, *, score: float = 0.4, action: str = "continue", **metadata: str
) -> dict[str, Any]:
    """An answer in the reply's schema."""
    reply = {
        "message": message, "qualification_score": score, "next_action": action, "metadata": metadata,
    }  # fmt: skip
    return says_text(json.dumps(reply, ensure_ascii=False))


def says_text(text: str, *, stop_reason: str = "end_turn") -> dict[str, Any]:
    """An answer of a model that knows no schema."""
    return _message([{"type": "text", "text": text}], stop_reason)


def calls(*uses: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """An answer that wants tools: (name, input) each."""
    blocks = [
        {"type": "tool_use", "id": f"toolu_{n}_{name}", "name": name, "input": arguments}
        for n, (name, arguments) in enumerate(uses)
    ]
    return _message(blocks, "tool_use")


def fails(status: int, kind: str = "api_error", **headers: str) -> dict[str, Any]:
    body = {"type": "error", "error": {"type": kind, "message": "scripted"}}
    return {
        "status": status,
        "body": body,
        "headers": {k.replace("_", "-"): v for k, v in headers.items()},
    }


def _message(content: Sequence[dict[str, Any]], stop_reason: str) -> dict[str, Any]:
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": list(content),
        "stop_reason": stop_reason, "stop_sequence": None,
        "usage": {
            "input_tokens": 100, "output_tokens": 20,
            "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 50,
        },
    }  # fmt: skip
    return {"status": 200, "body": body}
