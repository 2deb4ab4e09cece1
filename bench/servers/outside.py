"""Meta's Graph API and a model, in one answer function: constant work per call.

The model has no latency unless it is told to hold its answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from bench.servers.wire import Reply
from bench.webhooks import customer_in, new_wamid

_REPLY: Final = orjson.dumps(
    {
        "message": "Posso ajudar, sim. Me conta um pouco do que a padaria precisa hoje?",
        "qualification_score": 0.4,
        "next_action": "continue",
        "metadata": {
            "need": "padaria",
            "budget": "",
            "authority": "",
            "timing": "",
            "facts": "",
            "offers": "",
            "open_question": "o que precisa",
            "summary": "quer saber do plano",
        },
    }
).decode()
_MODEL_ANSWER: Final = orjson.dumps(
    {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{"type": "text", "text": _REPLY}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 900,
            "output_tokens": 90,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 3000,
        },
    }
)
_NUMBER: Final = {
    "status": "CONNECTED",
    "quality_rating": "GREEN",
    "throughput": {"level": "STANDARD"},
}

#: The wa_id, the wamid given and the callback data of a message that reached Meta.
OnMessage = Callable[[str, str, str], None]
#: Number `n` of the customer a held model call is about, and its answer still to come.
OnCall = Callable[[int, "asyncio.Future[Reply]"], None]


class Outside:
    """Answers Graph and Messages calls; tells `on_message` of each POST that carries a message.

    With `hold_s` each model call is answered so much later, and `on_call` hears of it before.
    """

    def __init__(self) -> None:
        self.on_message: OnMessage = lambda _to, _wamid, _callback: None
        self.on_call: OnCall = lambda _n, _answer: None
        self.hold_s = 0.0
        self.counts = {"messages": 0, "reads": 0, "model": 0, "other": 0}

    def answer(self, method: str, path: str, body: bytes) -> Reply | asyncio.Future[Reply]:
        if path.endswith("/v1/messages"):
            self.counts["model"] += 1
            return self._held(body) if self.hold_s else (200, _MODEL_ANSWER)
        if path.startswith("/graph/"):
            return self._graph(method, path, body)
        return 404, b'{"error":{"message":"unknown path","code":100}}'

    def _held(self, body: bytes) -> asyncio.Future[Reply]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        loop.call_later(self.hold_s, _give, answer)
        if (n := customer_in(body)) is not None:
            self.on_call(n, answer)
        return answer

    def _graph(self, method: str, path: str, body: bytes) -> Reply:
        if method == "POST" and path.endswith("/messages"):
            sent: dict[str, Any] = orjson.loads(body)
            if sent.get("status") == "read":
                self.counts["reads"] += 1
                return 200, b'{"success":true}'
            return 200, self._take(sent)
        self.counts["other"] += 1
        if method == "POST":
            return 200, b'{"success":true}'
        number = path.split("?", maxsplit=1)[0].rsplit("/", 1)[-1]
        return 200, orjson.dumps({"id": number, **_NUMBER})

    def _take(self, sent: dict[str, Any]) -> bytes:
        to = str(sent.get("to") or sent.get("recipient")).removeprefix("+")
        wamid = new_wamid("OUT")
        self.counts["messages"] += 1
        self.on_message(to, wamid, str(sent.get("biz_opaque_callback_data") or ""))
        contacts = [{"input": to, "wa_id": to}]
        return orjson.dumps(
            {
                "messaging_product": "whatsapp",
                "contacts": contacts,
                "messages": [{"id": wamid}],
            }
        )


def _give(answer: asyncio.Future[Reply]) -> None:
    if not answer.done():  # else its connection ended meanwhile
        answer.set_result((200, _MODEL_ANSWER))


class Arrivals:
    """Wakes whoever waits for the answer to a customer; what nobody waits for is counted."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self.unawaited = 0

    def expect(self, wa_id: str) -> asyncio.Future[float]:
        """Resolves to `time.perf_counter()` at the arrival."""
        self._waiting[wa_id] = asyncio.get_running_loop().create_future()
        return self._waiting[wa_id]

    def arrived(self, wa_id: str) -> None:
        waiter = self._waiting.pop(wa_id, None)
        if waiter is None or waiter.done():
            self.unawaited += 1
        else:
            waiter.set_result(time.perf_counter())
