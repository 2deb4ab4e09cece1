"""The Graph API, one method per call. Nothing is repeated here: whether to repeat is the sender's rule."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import orjson

from config.limits import SEND_TIMEOUT
from domain.content import Content
from integrations.http import AiohttpTransport
from integrations.whatsapp.errors import (
    ForeignMediaHostError,
    GraphError,
    GraphUnavailableError,
    MediaUnusableError,
    NotSentError,
    UnknownOutcomeError,
    WhatsAppError,
)
from integrations.whatsapp.failures import UNKNOWN_OUTCOME_CODES
from integrations.whatsapp.loose import obj, text, whole
from integrations.whatsapp.outbound import Recipient, message_body
from integrations.whatsapp.reports import (
    NUMBER_FIELDS,
    MediaLocation,
    NumberReport,
    SendResult,
    read_media_location,
    read_number_report,
    read_send_result,
    sha256_bytes,
)

READ_TIMEOUT: Final = timedelta(seconds=10)
MEDIA_TIMEOUT: Final = timedelta(seconds=60)  # up to 100 MB
MEDIA_MAX: Final = 100 * 1024 * 1024  # bytes; Meta's largest kind, documents
_CONNECT_S: Final = 3.0  # TCP, TLS and pool together end before SEND_TIMEOUT: then nothing was sent
_POOL_S: Final = 2.0
_CALL: Final = httpx.Timeout(SEND_TIMEOUT.total_seconds(), connect=_CONNECT_S, pool=_POOL_S)
_MEDIA_HOSTS: Final = (".fbsbx.com", ".whatsapp.net")

_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


def open_http(*, connections: int = 64) -> httpx.AsyncClient:
    """The one HTTP client of a process; close it with `aclose`. Loopback never goes through a proxy."""
    direct = AiohttpTransport(connections=connections, trust_env=False)
    return httpx.AsyncClient(
        timeout=_CALL,
        transport=AiohttpTransport(connections=connections, trust_env=True),
        follow_redirects=False,
        mounts=dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"), direct),
    )


class GraphClient:
    """Calls of one account (one token). Cheap: many may share one `http`, which the caller closes."""

    def __init__(self, http: httpx.AsyncClient, *, base_url: str, version: str, token: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._version = version
        self._root = f"{self._base_url}/{version}"
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._json_headers = {**self._authorization, "Content-Type": "application/json"}

    def with_token(self, token: str) -> Self:
        """The same connections for another account."""
        return type(self)(self._http, base_url=self._base_url, version=self._version, token=token)

    async def send_message(
        self,
        phone_number_id: str,
        to: Recipient,
        content: Content,
        callback_data: str,
        reply_to: str | None = None,
    ) -> SendResult:
        """Sends one message, once, within 10 s in all.

        Raises InvalidInputError before anything is sent, NotSentError (safe to repeat), GraphError with its
        family, and UnknownOutcomeError: then a status with `callback_data` tells, and a repetition may double.
        """
        body = orjson.dumps(message_body(to, content, callback_data, reply_to))
        url = self._url(phone_number_id, "messages")
        response = await self._post(url, body, SEND_TIMEOUT)
        result = read_send_result(_answer(response))
        if result is None:
            raise UnknownOutcomeError("the answer names no message", response.status_code)
        return result

    async def mark_read_and_typing(self, phone_number_id: str, wamid: str, *, typing: bool) -> None:
        """Marks a message (30 days at most) and those before it as read; `typing` shows 25 s of typing.

        Only show typing when an answer is coming. Raises WhatsAppError; a failure matters to nobody else.
        """
        body: dict[str, Any] = {
            "messaging_product": "whatsapp", "status": "read", "message_id": wamid,
        }  # fmt: skip
        if typing:
            body["typing_indicator"] = {"type": "text"}
        await self._change(self._url(phone_number_id, "messages"), orjson.dumps(body))

    async def get_number(self, phone_number_id: str) -> NumberReport:
        """Status, quality, limits and health of a number. Raises GraphError, GraphUnavailableError."""
        answer = await self._get(self._url(phone_number_id), {"fields": NUMBER_FIELDS})
        return read_number_report(phone_number_id, answer)

    async def subscribe_app(self, waba_id: str) -> None:
        """Lets this app receive the account's webhooks. It also removes an override callback, if there was one."""
        await self._change(self._url(waba_id, "subscribed_apps"), b"")

    async def upload_media(
        self, phone_number_id: str, data: bytes, mime_type: str, filename: str
    ) -> str:
        """Uploads a file for sending and returns its media id: 30 days, for this number only."""
        form = {"messaging_product": "whatsapp", "type": mime_type}
        try:
            async with asyncio.timeout(MEDIA_TIMEOUT.total_seconds()):
                response = await self._http.post(
                    self._url(phone_number_id, "media"),
                    data=form,
                    files={"file": (filename, data, mime_type)},
                    headers=self._authorization,
                    timeout=MEDIA_TIMEOUT.total_seconds(),
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _unavailable(error) from error
        media_id = text(_read(response).get("id"))
        if media_id is None:
            raise GraphUnavailableError("the answer to the upload names no media id")
        return media_id

    async def media_url(self, media_id: str, phone_number_id: str | None = None) -> MediaLocation:
        """Where a file is for the next five minutes; `phone_number_id` refuses another number's file."""
        only = {"phone_number_id": phone_number_id} if phone_number_id is not None else {}
        location = read_media_location(await self._get(self._url(media_id), only))
        if location is None:
            raise GraphUnavailableError("the answer names no media address")
        return location

    async def download_media(self, location: MediaLocation, *, limit: int = MEDIA_MAX) -> bytes:
        """The file's bytes, checked against the announced digest.

        The token goes only to the API's own address and Meta's media hosts over TLS, and no redirect is
        followed. Raises ForeignMediaHostError, MediaUnusableError, GraphError (404: ask for a new
        address) and GraphUnavailableError.
        """
        self._check_media_host(location.url)
        try:
            async with asyncio.timeout(MEDIA_TIMEOUT.total_seconds()):
                data = await self._stream(location.url, limit)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _unavailable(error) from error
        announced = sha256_bytes(location.sha256) if location.sha256 else None
        if announced is not None and hashlib.sha256(data).digest() != announced:
            raise MediaUnusableError("the file is not the one that was announced (sha256)")
        return data

    async def _stream(self, url: str, limit: int) -> bytes:
        data = bytearray()
        async with self._http.stream(
            "GET",
            url,
            headers={**self._authorization, "User-Agent": "vitrine"},
            follow_redirects=False,
            timeout=MEDIA_TIMEOUT.total_seconds(),
        ) as response:
            if response.status_code != 200:
                await response.aread()
                _read(response)
                raise GraphUnavailableError(f"the media host answered HTTP {response.status_code}")
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > limit:
                    raise MediaUnusableError(f"the file is larger than {limit} bytes")
        return bytes(data)

    def _check_media_host(self, url: str) -> None:
        try:
            media, ours = httpx.URL(url), httpx.URL(self._base_url)
        except httpx.InvalidURL as error:
            raise ForeignMediaHostError("an unreadable address") from error
        same = (media.scheme, media.netloc) == (ours.scheme, ours.netloc)
        metas = media.scheme == "https" and media.port is None and media.host.endswith(_MEDIA_HOSTS)
        if media.userinfo or not (same or metas):
            raise ForeignMediaHostError(media.host)

    def _url(self, *parts: str) -> str:
        return "/".join((self._root, *(quote(part, safe="") for part in parts)))

    async def _post(self, url: str, body: bytes, limit: timedelta) -> httpx.Response:
        """Raises NotSentError or UnknownOutcomeError; a returned response was read whole."""
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._http.post(
                    url, content=body, headers=self._json_headers, timeout=_CALL
                )
        except _NOT_SENT as error:
            raise NotSentError(f"not sent: {type(error).__name__}") from error
        except TimeoutError as error:
            raise UnknownOutcomeError("no answer in time") from error
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(type(error).__name__) from error

    async def _change(self, url: str, body: bytes) -> None:
        """A change that may be repeated without harm: an unknown outcome is just an unavailable Graph."""
        try:
            response = await self._post(url, body, READ_TIMEOUT)
        except UnknownOutcomeError as error:
            raise GraphUnavailableError(error.reason) from error
        _read(response)

    async def _get(self, url: str, params: Mapping[str, str]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(READ_TIMEOUT.total_seconds()):
                response = await self._http.get(
                    url, params=params, headers=self._authorization, timeout=_CALL
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _unavailable(error) from error
        return _read(response)


def _answer(response: httpx.Response) -> dict[str, Any]:
    """The answer to a send; raises by the unknown-outcome rule where it is not one."""
    answer = _json(response)
    status = response.status_code
    error = obj(answer.get("error")) if answer is not None else {}
    if error:
        raise _graph_error(status, error)
    if status >= 500 or status == 408:
        raise UnknownOutcomeError(f"HTTP {status} without a Graph error", status)
    if status >= 300:
        raise GraphError(status, None)
    if answer is None:
        raise UnknownOutcomeError("the answer is no JSON object", status)
    return answer


def _graph_error(status: int, error: dict[str, Any]) -> WhatsAppError:
    code = whole(error.get("code"))
    trace = text(error.get("fbtrace_id"))
    if code in UNKNOWN_OUTCOME_CODES or (code is None and status >= 500):
        return UnknownOutcomeError(f"Graph error {code}", status, code, trace)
    return GraphError(
        status,
        code,
        text(error.get("message")),
        text(obj(error.get("error_data")).get("details")),
        trace,
        whole(error.get("error_subcode")),
    )


def _read(response: httpx.Response) -> dict[str, Any]:
    """The answer to a call that may be repeated."""
    try:
        return _answer(response)
    except UnknownOutcomeError as error:
        raise GraphUnavailableError(error.reason) from error


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _unavailable(error: Exception) -> GraphUnavailableError:
    kind = NotSentError if isinstance(error, _NOT_SENT) else GraphUnavailableError
    return kind(f"the Graph API could not be reached: {type(error).__name__}")
