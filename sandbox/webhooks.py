"""Meta's side of the webhook: collect, sign, deliver, deliver again until it is taken."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httptools
import httpx

from sandbox.config import WABA_ID, SandboxConfig
from sandbox.faults import Faults
from sandbox.postman import Postman
from sandbox.signing import legacy_signature, signature, webhook_bytes

CONCURRENT_POSTS = 64
HORIZON_S = 7 * 24 * 3600.0
LONGEST_PAUSE_S = 600.0
ACCOUNT_FIELDS = (
    "account_",
    "phone_number_",
    "message_template_",
    "template_",
    "business_",
    "security",
    "flows",
)


@dataclass(slots=True)
class Delivery:
    """One POST of one batch and what became of it; kept for the last few hundred."""

    body: bytes
    fields: list[str]
    wamids: list[str]
    first_at: float
    tries: int = 0
    http: int | None = None
    ms: float = 0.0
    done: bool = False
    error: str | None = None
    seen: list[float] = field(default_factory=list)


class Webhooks:
    def __init__(self, config: SandboxConfig, faults: Faults) -> None:
        self.config = config
        self.faults = faults
        self.subscribed = True
        self.override_url: str | None = None
        self.recent: deque[Delivery] = deque(maxlen=300)
        self.counts = {"delivered": 0, "refused": 0, "updates": 0}
        self.on_delivered: Callable[[list[str]], None] = lambda _wamids: None
        self._postman = Postman(config.webhook_url)
        self._held: list[dict[str, Any]] = []
        self._batch: list[dict[str, Any]] = []
        self._batch_timer: asyncio.TimerHandle | None = None
        self._slots = asyncio.Semaphore(CONCURRENT_POSTS)
        self._tasks: set[asyncio.Task[None]] = set()

    def aim(self, url: str) -> None:
        """Send from now on to this address (an override callback, a moved product)."""
        self._postman = Postman(url)

    @property
    def target(self) -> str:
        return self._postman.url

    def waiting(self) -> int:
        return len(self._held) + len(self._batch) + len(self._tasks)

    # -- taking updates in

    def emit(self, field_name: str, value: dict[str, Any], *, copies: int = 1) -> None:
        """Queue one `changes[]` element; `copies` beyond the first are the same bytes again."""
        change = {"field": field_name, "value": value}
        if self.faults.require_subscription and not self.subscribed:
            return
        if self.faults.webhooks_paused:
            self._held.append(change)
            return
        if copies > 1:
            self._launch([change], copies=copies)
            return
        if self.faults.batch_max <= 1:
            self._launch([change])
            return
        self._batch.append(change)
        if len(self._batch) >= self.faults.batch_max:
            self._flush_batch()
        elif self._batch_timer is None:
            wait = self.faults.batch_wait_ms / 1000
            self._batch_timer = asyncio.get_running_loop().call_later(wait, self._flush_batch)

    def emit_batch(self, changes: list[dict[str, Any]]) -> None:
        """One POST with exactly these changes (at most 1000)."""
        self._launch(changes)

    def post_raw(self, body: bytes, *, signed: str | None = None) -> asyncio.Task[int]:
        """Any bytes at all, once, with a right or a given signature; for bad-input tests."""
        return asyncio.ensure_future(self._postman.post(body, self._headers(body, signed)))

    def release(self) -> None:
        """Let go of everything held while paused, in its order."""
        held, self._held = self._held, []
        size = max(1, self.faults.batch_max)
        for start in range(0, len(held), size):
            self._launch(held[start : start + size])

    def _flush_batch(self) -> None:
        if self._batch_timer is not None:
            self._batch_timer.cancel()
            self._batch_timer = None
        batch, self._batch = self._batch, []
        if batch:
            if self.faults.disorder:
                random.shuffle(batch)
            self._launch(batch)

    # -- sending

    def _launch(self, changes: list[dict[str, Any]], *, copies: int = 1) -> None:
        self.counts["updates"] += len(changes)
        body = webhook_bytes(envelope(changes))
        for copy in range(max(copies, 1 + self.faults.duplicates)):
            delivery = Delivery(
                body=body,
                fields=[c["field"] for c in changes],
                wamids=_inbound_wamids(changes),
                first_at=time.time(),
            )
            self.recent.append(delivery)
            task = asyncio.create_task(self._deliver(delivery, first=copy == 0))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, *, first: bool) -> None:
        delay = self.faults.delay_ms / 1000
        if self.faults.disorder:
            delay += random.uniform(0, 0.4)
        if not first:
            delay += random.uniform(0, 0.15)
        if delay:
            await asyncio.sleep(delay)
        while time.time() - delivery.first_at <= HORIZON_S:
            if await self._attempt(delivery):
                return
            pause = self._pause_after(delivery.tries)
            if pause:
                await asyncio.sleep(pause)

    def _pause_after(self, tries: int) -> float:
        """At once, then with falling frequency."""
        if tries <= 1:
            return 0.0
        return float(min(LONGEST_PAUSE_S, self.faults.retry_base_s * 2 ** (tries - 2)))

    async def _attempt(self, delivery: Delivery) -> bool:
        delivery.tries += 1
        started = time.perf_counter()
        delivery.seen.append(time.time())
        try:
            async with self._slots:
                delivery.http = await self._postman.post(
                    delivery.body, self._headers(delivery.body)
                )
                delivery.error = None
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            delivery.http = None
            delivery.error = type(error).__name__
        delivery.ms = round((time.perf_counter() - started) * 1000, 1)
        delivery.done = delivery.http == 200
        self.counts["delivered" if delivery.done else "refused"] += 1
        if delivery.done:
            delivery.body = b""  # only its story is kept
            self.on_delivered(delivery.wamids)
        return delivery.done

    def _headers(self, body: bytes, signed: str | None = None) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "Accept": "*/*",
            "X-Hub-Signature": legacy_signature(self.config.app_secret, body),
            "X-Hub-Signature-256": signed or signature(self.config.app_secret, body),
        }

    # -- the handshake

    async def verify(self, url: str | None = None) -> dict[str, Any]:
        """Meta's GET handshake against the configured callback; what came back."""
        challenge = str(random.randrange(10**9, 10**10))
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": self.config.verify_token,
        }
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            try:
                answer = await client.get(url or self.target, params=query)
            except httpx.HTTPError as error:
                return {"ok": False, "error": type(error).__name__}
        return {
            "ok": answer.status_code == 200 and answer.text == challenge,
            "http": answer.status_code,
            "body": answer.text[:200],
        }

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._postman.close()


def envelope(changes: list[dict[str, Any]]) -> dict[str, Any]:
    """One `entry` per kind of field: `time` only stands on account-type ones."""
    messages = [c for c in changes if not c["field"].startswith(ACCOUNT_FIELDS)]
    account = [c for c in changes if c["field"].startswith(ACCOUNT_FIELDS)]
    entries: list[dict[str, Any]] = []
    if messages:
        entries.append({"id": WABA_ID, "changes": messages})
    if account:
        entries.append({"id": WABA_ID, "time": int(time.time()), "changes": account})
    return {"object": "whatsapp_business_account", "entry": entries}


def _inbound_wamids(changes: list[dict[str, Any]]) -> list[str]:
    return [
        m["id"]
        for change in changes
        if change["field"] == "messages"
        for m in change["value"].get("messages", ())
        if "id" in m
    ]
