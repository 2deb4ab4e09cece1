"""`/anthropic/v1/…`: what the `anthropic` SDK calls."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.config import SandboxConfig
from sandbox.faults import ModelFaults
from sandbox.ids import new_model_id
from sandbox.model import protocol
from sandbox.model.cache import PromptCache
from sandbox.model.protocol import ModelError
from sandbox.model.rehearsal import answer_blocks, echo_blocks

HANG_S = 600.0
MODELS = ("claude-sonnet-5", "claude-haiku-5", "claude-opus-5")


@dataclass(slots=True)
class Call:
    """One model request, for `/control/model/calls`. Times are epoch seconds."""

    id: str
    model: str
    started_at: float
    stream: bool
    finished_at: float | None = None
    disconnected_at: float | None = None
    http: int | None = None
    stop_reason: str | None = None
    usage: dict[str, Any] | None = None
    customer_text: str = ""


class ModelRoutes:
    def __init__(self, config: SandboxConfig) -> None:
        self.faults = ModelFaults(latency_ms=config.model_latency_ms)
        self.cache = PromptCache()
        self.calls: deque[Call] = deque(maxlen=500)
        self.count = 0
        self.in_flight = 0

    def routes(self) -> list[Route]:
        base = "/anthropic/v1"
        return [
            Route(f"{base}/messages", self.messages, methods=["POST"]),
            Route(f"{base}/messages/count_tokens", self.count_tokens, methods=["POST"]),
            Route(f"{base}/models", self.models, methods=["GET"]),
            Route(f"{base}/models/{{model}}", self.model, methods=["GET"]),
        ]

    async def messages(self, request: Request) -> Response:
        request_id = new_model_id("req_")
        self.count += 1
        self.in_flight += 1
        call = Call(id=request_id, model="", started_at=time.time(), stream=False)
        self.calls.append(call)
        try:
            return await self._serve(request, call)
        except ModelError as error:
            call.http = error.status
            return self._error(error, request_id)
        finally:
            call.finished_at = time.time()
            self.in_flight -= 1

    async def _serve(self, request: Request, call: Call) -> Response:
        body = protocol.check_request(await self._body(request))
        call.model, call.stream = str(body["model"]), bool(body.get("stream"))
        fault = self._take_fault()
        if fault == "timeout":
            await self._wait(request, call, HANG_S)
            raise ModelError(504, "Request timed out.")
        if fault.isdigit():
            raise ModelError(int(fault), _FAULT_TEXT.get(fault, "Internal server error"))
        low, high = self.faults.latency_ms
        if high and await self._wait(request, call, random.uniform(low, high) / 1000):
            return Response(status_code=499)
        usage = self.cache.use(body)
        content, reason = self._content(body, fault)
        message = protocol.answer(body, content, usage, stop_reason=reason)
        call.http, call.stop_reason, call.usage = 200, message["stop_reason"], message["usage"]
        if fault == "garbage":
            return Response(
                b"<html>upstream</html>", media_type="text/html", headers=_headers(call.id)
            )
        if body.get("stream"):
            return StreamingResponse(
                _stream(message), media_type="text/event-stream", headers=_headers(call.id)
            )
        return Response(
            orjson.dumps(message), media_type="application/json", headers=_headers(call.id)
        )

    def _content(self, body: dict[str, Any], fault: str) -> tuple[list[dict[str, Any]], str | None]:
        if fault == "refusal":
            return [], "refusal"
        if fault == "plain":
            return [{"type": "text", "text": "Tudo bem! Como posso ajudar?"}], None
        blocks = echo_blocks if self.faults.persona == "echo" else answer_blocks
        return blocks(body), None

    def _take_fault(self) -> str:
        if not self.faults.fail or self.faults.next <= 0:
            return ""
        self.faults.next -= 1
        return self.faults.fail

    async def _wait(self, request: Request, call: Call, seconds: float) -> bool:
        """Sleep, or notice that the caller hung up; True when it did."""
        gone = asyncio.create_task(_hung_up(request))
        try:
            done, _ = await asyncio.wait({gone}, timeout=seconds)
        finally:
            gone.cancel()
        if done:
            call.disconnected_at = time.time()
        return bool(done)

    async def _body(self, request: Request) -> Any:
        if not (request.headers.get("x-api-key") or request.headers.get("authorization")):
            raise ModelError(401, "x-api-key header is required")
        if request.headers.get("x-api-key") == "invalid":
            raise ModelError(401, "invalid x-api-key")
        if not request.headers.get("anthropic-version"):
            raise ModelError(400, "anthropic-version: header is required")
        try:
            return orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise ModelError(400, "The request body is not valid JSON.") from error

    def _error(self, error: ModelError, request_id: str) -> Response:
        headers = _headers(request_id)
        if error.status == 429:
            headers["retry-after"] = str(self.faults.retry_after_s)
        return Response(
            orjson.dumps(error.body(request_id)),
            status_code=error.status,
            media_type="application/json",
            headers=headers,
        )

    async def count_tokens(self, request: Request) -> Response:
        request_id = new_model_id("req_")
        try:
            body = protocol.check_request(await self._body(request), counting=True)
        except ModelError as error:
            return self._error(error, request_id)
        counted = {"input_tokens": self.cache.count(body)}
        return Response(
            orjson.dumps(counted), media_type="application/json", headers=_headers(request_id)
        )

    async def models(self, _request: Request) -> Response:
        data = [_model(name) for name in MODELS]
        body = {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
        return Response(orjson.dumps(body), media_type="application/json")

    async def model(self, request: Request) -> Response:
        body = _model(request.path_params["model"])
        return Response(orjson.dumps(body), media_type="application/json")

    def recent(self, limit: int) -> list[dict[str, Any]]:
        return [asdict(c) for c in list(self.calls)[-limit:]]


_FAULT_TEXT = {
    "400": "Injected by the sandbox.",
    "401": "invalid x-api-key",
    "429": "This request would exceed your account's rate limit. Please try again later.",
    "529": "Overloaded",
}


def _model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-06-01T00:00:00Z"}


def _headers(request_id: str) -> dict[str, str]:
    return {"request-id": request_id, "anthropic-organization-id": "sandbox"}


async def _stream(message: dict[str, Any]) -> AsyncIterator[bytes]:
    for event in protocol.events(message):
        yield event


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
