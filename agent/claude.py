"""The Anthropic adapter: one request of a turn, its retries, its fall-back, its usage.

One client per endpoint lives as long as the process. The SDK's own retries are off: trying again
happens here, at one layer, inside the turn's budget. Cancelling `ask` closes the connection.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import httpx2
import orjson
import structlog
from anthropic import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncAnthropic,
    DefaultAioHttpClient,
)

from agent.model_budget import ModelBudget
from config.limits import MODEL_CALL_TIMEOUT
from config.model_prices import price_of
from config.settings import ModelEndpoint
from domain.clock import Clock
from domain.errors import DefectError, TransientError
from domain.reply import ModelCall

log = structlog.get_logger()

OnStage = Callable[[str, Mapping[str, object]], None]

TRIES_PER_ENDPOINT: Final = 3
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 8.0
CONNECT_TIMEOUT_S: Final = 5.0  # a dead host must not eat the budget
MIN_TRY_S: Final = 1.0  # less time than this is not worth a request
_RETRIED: Final = frozenset({408, 409, 425, 429})
_NO_HELP_ELSEWHERE: Final = frozenset({400, 413, 422})


class ModelUnavailableError(TransientError):
    """No endpoint answered inside the budget."""


class ModelRefusedError(DefectError):
    """The request or the credentials are wrong: the same call would be refused again."""

    def __init__(self, model: str, status: int, error_type: str) -> None:
        super().__init__(model, status, error_type)
        self.model = model
        self.status = status
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    system: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    messages: Sequence[Mapping[str, Any]]
    schema: Mapping[str, object]
    max_tokens: int
    effort: str | None = None
    #: False on the last round: the model has to answer with what it has.
    may_use_tools: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    id: str
    name: str
    input: object


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """`content` goes back word for word when the turn goes on."""

    text: str
    tool_uses: tuple[ToolUse, ...]
    content: tuple[Mapping[str, Any], ...]
    stop_reason: str | None


class ClaudeModel:
    """The model of one function: a first endpoint and those to fall back to, in order."""

    def __init__(
        self,
        endpoints: Sequence[ModelEndpoint],
        *,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._endpoints = [_Endpoint(endpoint, transport) for endpoint in endpoints]
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    @property
    def name(self) -> str:
        return self._endpoints[0].model

    def session(self, budget: ModelBudget, on_stage: OnStage) -> ModelSession:
        return ModelSession(
            endpoints=self._endpoints,
            budget=budget,
            on_stage=on_stage,
            today=self._clock.now().date(),
            sleep=self._sleep,
            jitter=self._jitter,
        )

    async def close(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.client.close()


class _Endpoint:
    def __init__(
        self, endpoint: ModelEndpoint, transport: httpx2.AsyncBaseTransport | None
    ) -> None:
        self.model = endpoint.name
        timeout = httpx2.Timeout(MODEL_CALL_TIMEOUT.total_seconds(), connect=CONNECT_TIMEOUT_S)
        http = (
            DefaultAioHttpClient(timeout=timeout)
            if transport is None
            else httpx2.AsyncClient(transport=transport, timeout=timeout)
        )
        self.client = AsyncAnthropic(
            api_key=endpoint.api_key.get_secret_value(),
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=http,
        )


@dataclass(slots=True, kw_only=True)
class ModelSession:
    """The model during one turn: remembers which endpoint works and what every call cost."""

    endpoints: Sequence[_Endpoint]
    budget: ModelBudget
    on_stage: OnStage
    today: date
    sleep: Callable[[float], Any]
    jitter: Callable[[], float]
    calls: list[ModelCall] = field(default_factory=list)
    _current: int = 0

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """One answer. Raises ModelUnavailableError or ModelRefusedError; `calls` has every try."""
        last: Exception | None = None
        while self._current < len(self.endpoints):
            endpoint = self.endpoints[self._current]
            try:
                return await self._ask_endpoint(endpoint, request)
            except ModelUnavailableError as error:
                last = error
            except ModelRefusedError as error:
                log.exception(
                    "model.refused", model=error.model, status=error.status, type=error.error_type
                )
                last = error
                if error.status in _NO_HELP_ELSEWHERE:
                    raise
            if self._current + 1 == len(self.endpoints):
                break
            self._current += 1
            request = _for_another_model(request)
        raise last if last is not None else ModelUnavailableError("no endpoint")

    async def _ask_endpoint(self, endpoint: _Endpoint, request: ModelRequest) -> ModelAnswer:
        is_last = self._current + 1 == len(self.endpoints)
        for attempt in range(TRIES_PER_ENDPOINT):
            try:
                return await self._try(endpoint, request)
            except _TryFailedError as failure:
                wait = failure.retry_after_s
                if wait is None:
                    wait = min(BACKOFF_FIRST_S * 2**attempt, BACKOFF_MAX_S) * (
                        0.5 + self.jitter() / 2
                    )
                over = attempt + 1 == TRIES_PER_ENDPOINT or wait + MIN_TRY_S > self.budget.left_s
                # Another endpoint is nearer than a long wait for this one.
                if over or (not is_last and (failure.was_slow or wait > BACKOFF_MAX_S)):
                    raise ModelUnavailableError(f"{endpoint.model}: {failure.kind}") from failure
            await self.sleep(wait)
        raise ModelUnavailableError(endpoint.model)

    async def _try(self, endpoint: _Endpoint, request: ModelRequest) -> ModelAnswer:
        share = self.budget.left_s
        if self._current + 1 < len(self.endpoints):
            share *= 0.7  # the fall-back needs its part
        if share < MIN_TRY_S:
            raise ModelUnavailableError(f"{endpoint.model}: no time left")
        self.on_stage("model.called", {"model": endpoint.model, "call": len(self.calls) + 1})
        started = time.perf_counter()
        try:
            async with asyncio.timeout(min(share, MODEL_CALL_TIMEOUT.total_seconds())):
                message = await self._post(endpoint, request)
            return self._read(endpoint, message, started)
        except TimeoutError as error:
            raise self._failed(endpoint, "timeout", started, slow=True) from error
        except APIStatusError as error:
            kind = f"{error.status_code} {error.type or 'error'}"
            failure = self._failed(endpoint, kind, started, retry_after_s=_retry_after(error))
            if error.status_code in _RETRIED or error.status_code >= 500:
                raise failure from error
            raise ModelRefusedError(
                endpoint.model, error.status_code, error.type or "error"
            ) from error
        except APIConnectionError as error:
            raise self._failed(endpoint, "connection", started) from error
        except (APIError, ValueError, TypeError, LookupError, AttributeError) as error:
            # A 200 that is no message: a proxy's page, a half answer.
            raise self._failed(endpoint, f"unreadable: {type(error).__name__}", started) from error

    async def _post(self, endpoint: _Endpoint, request: ModelRequest) -> Mapping[str, Any]:
        """The message as it stands on the wire: the SDK's models cost more CPU than the call itself."""
        price = price_of(endpoint.model, self.today)
        output: dict[str, Any] = {"format": {"type": "json_schema", "schema": request.schema}}
        if request.effort is not None and price.takes_effort:
            output["effort"] = request.effort
        body: dict[str, Any] = {
            "model": endpoint.model,
            "max_tokens": request.max_tokens,
            "system": request.system,
            "messages": request.messages,
            "output_config": output,
        }
        if request.tools:
            body["tools"] = request.tools
        if not request.may_use_tools:
            body["tool_choice"] = {"type": "none"}
        response = await endpoint.client.post(
            "/v1/messages",
            cast_to=httpx2.Response,
            content=orjson.dumps(body),
            options={"headers": {"Content-Type": "application/json"}},
        )
        message = orjson.loads(response.content)
        if not isinstance(message, dict):
            raise TypeError(type(message).__name__)
        return message

    def _read(self, endpoint: _Endpoint, message: Mapping[str, Any], started: float) -> ModelAnswer:
        content = tuple(
            {key: value for key, value in block.items() if value is not None}
            for block in message["content"]
        )
        uses = tuple(
            ToolUse(id=block["id"], name=block["name"], input=block["input"])
            for block in content
            if block["type"] == "tool_use"
        )
        text = "".join(block["text"] for block in content if block["type"] == "text")
        call = self._priced(endpoint, message, started)
        self.calls.append(call)
        self.on_stage(
            "model.answered",
            {
                "model": call.model,
                "ms": call.latency_ms,
                "stop_reason": call.stop_reason,
                "input_tokens": call.input_tokens,
                "cache_read_tokens": call.cache_read_tokens,
                "output_tokens": call.output_tokens,
            },
        )
        return ModelAnswer(text=text, tool_uses=uses, content=content, stop_reason=call.stop_reason)

    def _priced(self, endpoint: _Endpoint, message: Mapping[str, Any], started: float) -> ModelCall:
        usage = message.get("usage") or {}  # a plain server may leave it out
        fresh = usage.get("input_tokens") or 0
        output = usage.get("output_tokens") or 0
        read = usage.get("cache_read_input_tokens") or 0
        written = usage.get("cache_creation_input_tokens") or 0
        price = price_of(endpoint.model, self.today)
        return ModelCall(
            model=endpoint.model,
            input_tokens=fresh,
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_tokens=written,
            latency_ms=_ms(started),
            stop_reason=message.get("stop_reason"),
            cost_micros=price.cost_micros(
                input_tokens=fresh,
                output_tokens=output,
                cache_read_tokens=read,
                cache_write_tokens=written,
            ),
            priced_by="default" if price.model == "default" else f"{price.model} {price.since}",
        )

    def _failed(
        self,
        endpoint: _Endpoint,
        kind: str,
        started: float,
        *,
        slow: bool = False,
        retry_after_s: float | None = None,
    ) -> _TryFailedError:
        call = ModelCall(model=endpoint.model, latency_ms=_ms(started), error=kind)
        self.calls.append(call)
        self.on_stage("model.answered", {"model": call.model, "ms": call.latency_ms, "error": kind})
        log.warning("model.failed", model=endpoint.model, error=kind)
        return _TryFailedError(kind, retry_after_s, was_slow=slow)


class _TryFailedError(TransientError):
    def __init__(self, kind: str, retry_after_s: float | None, *, was_slow: bool) -> None:
        super().__init__(kind, retry_after_s)
        self.kind = kind
        self.was_slow = was_slow


def _for_another_model(request: ModelRequest) -> ModelRequest:
    """Thinking is signed by the model that thought it; another one refuses it."""
    messages = [
        {**message, "content": [b for b in content if b.get("type") not in _THINKING]}
        if isinstance(content := message.get("content"), (list, tuple))
        else message
        for message in request.messages
    ]
    return ModelRequest(
        system=request.system,
        tools=request.tools,
        messages=messages,
        schema=request.schema,
        max_tokens=request.max_tokens,
        effort=request.effort,
        may_use_tools=request.may_use_tools,
    )


_THINKING: Final = frozenset({"thinking", "redacted_thinking"})


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds of `retry-after-ms` or `retry-after`; dates are not used by this API."""
    for header, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = error.response.headers.get(header)
        try:
            if value:
                return max(float(value) / divisor, 0.0)
        except ValueError:
            continue
    return None


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
