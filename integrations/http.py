"""httpx on aiohttp's connections: a fifth of the CPU of httpx's own, and failures that tell what left.

Whether a request was written decides whether it may be repeated. Every failure before that is a
`httpx.ConnectError` or its neighbour; whatever is not known to be before counts as after.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import aiohttp
import httpx
from typing_extensions import override

#: An idle connection older than this is not used again: the other side may be closing it (seconds).
_KEEP_IDLE_S: Final = 5.0
_CHUNK: Final = 64 * 1024  # bytes

#: The first that fits says it; nothing of these was written to the other side.
_BEFORE: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
)
#: The request may have arrived.
_AFTER: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (aiohttp.SocketTimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One pool of at most `connections`. A POST is never repeated here.

    `trust_env`: proxies come from HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Close it with `aclose`.
    """

    def __init__(self, *, connections: int, trust_env: bool) -> None:
        self._connections = connections
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout", {})
        connect, pool = limits.get("connect"), limits.get("pool")
        body = await request.aread()
        with _told_in_httpx():
            answer = await self._opened().request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=None if connect is None or pool is None else connect + pool,
                    sock_connect=connect,
                    sock_read=limits.get("read"),
                ),
            )
        return httpx.Response(
            answer.status, headers=list(answer.raw_headers), stream=_Body(answer), request=request
        )

    @override
    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Made at the first request: a session belongs to the loop it is made in."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    keepalive_timeout=_KEEP_IDLE_S,
                    ssl=httpx.create_ssl_context(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=self._trust_env,
            )
        return self._session


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told_in_httpx():
            async for chunk in self._answer.content.iter_chunked(_CHUNK):
                yield chunk

    @override
    async def aclose(self) -> None:
        self._answer.release()


@contextlib.contextmanager
def _told_in_httpx() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        told = next(to for kind, to in (*_BEFORE, *_AFTER) if isinstance(error, kind))
        raise told(type(error).__name__) from error
