"""The outermost layer: an id for each request, safe headers, counts, and the last word on defects."""

from __future__ import annotations

import re
import time
from typing import Final

import asyncpg
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.body_limit import read_at_most, replayed
from api.problems import ProblemError, answer, answer_unexpected
from domain.ids import new_id
from telemetry.metrics import HTTP_REQUESTS, HTTP_SECONDS

log = structlog.get_logger()

BODY_MAX: Final = 1024 * 1024  # an API call is small; webhooks have a limit of their own
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TOO_LONG: Final = ProblemError(413, f"No máximo {BODY_MAX} bytes por pedido.")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
# The dashboard is one bundle of our own; styles may be set by scripts, nothing else comes inline.
_APP_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_API_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


class Edge:
    """Wraps the application. `https` adds the promise to browsers to come back by TLS only."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        status = 0

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(scope, message, request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            refused, receive = await _checked(scope, headers, receive)
            if refused is not None:
                await answer(request_id, refused)(scope, receive, guarded_send)
            else:
                try:
                    await self._app(scope, receive, guarded_send)
                except Exception as error:
                    if status:
                        raise
                    await _answer_broken(request_id, error)(scope, receive, guarded_send)
        route = _route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        HTTP_REQUESTS.labels(route, method, str(status)).inc()
        if route != "/events":
            HTTP_SECONDS.labels(route).observe(time.perf_counter() - began)

    def _dress(self, scope: Scope, message: Message, request_id: str) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        in_app = scope["path"].startswith("/app")
        headers.setdefault("content-security-policy", _APP_POLICY if in_app else _API_POLICY)
        if not in_app:
            headers.setdefault("cache-control", "no-store")
        if self._https:
            headers.setdefault("strict-transport-security", "max-age=31536000")
        headers["x-request-id"] = request_id


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(new_id())


def _refused_early(scope: Scope, headers: Headers) -> ProblemError | None:
    length = headers.get("content-length", "0")
    if scope["path"].startswith("/webhook"):
        return None
    if not length.isdecimal():
        return ProblemError(400, "Content-Length não é um número.")
    if int(length) > BODY_MAX:
        return _TOO_LONG
    return None


async def _checked(
    scope: Scope, headers: Headers, receive: Receive
) -> tuple[ProblemError | None, Receive]:
    """Why the request goes no further, if so; else with what its body is received."""
    refused = _refused_early(scope, headers)
    if refused is not None or not _length_is_open(scope, headers):
        return refused, receive
    try:
        body = await read_at_most(Request(scope, receive), BODY_MAX)
    except ClientDisconnect:
        return ProblemError(400, "O pedido terminou no meio."), receive
    return (_TOO_LONG, receive) if body is None else (None, replayed(body, receive))


def _length_is_open(scope: Scope, headers: Headers) -> bool:
    """A chunked body tells its end, not its length, so it is read here as far as it may go."""
    return "transfer-encoding" in headers and not scope["path"].startswith("/webhook")


def _answer_broken(request_id: str, error: Exception) -> Response:
    if isinstance(error, _AWAY):
        log.warning("api.storage_away", request_id=request_id, error=type(error).__name__)
        problem = ProblemError(
            503,
            "O banco de dados não respondeu; tente de novo em instantes.",
            headers={"Retry-After": "2"},
        )
        return answer(request_id, problem)
    return answer_unexpected(request_id, error)


def _route(scope: Scope) -> str:
    """The route's pattern: a label set that callers cannot grow."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    return "/app" if scope["path"].startswith("/app") else "other"
