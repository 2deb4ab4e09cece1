"""HTTP/1.1 over bare asyncio protocols: a server of constant answers, a client of prepared requests."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Final, Self, TypeAlias, cast

import httptools
from typing_extensions import override

#: Status and JSON body.
Reply: TypeAlias = tuple[int, bytes]
#: method, path, body -> the reply, or one that is still to come; called on the loop, must not block.
#: What is still to come is cancelled when its connection ends before.
Answer: TypeAlias = Callable[[str, str, bytes], "Reply | asyncio.Future[Reply]"]

_TRIES: Final = 5
_PAUSE_S: Final = 0.2
_REASONS: Final = {200: b"OK", 404: b"Not Found"}


class ServerProtocol(asyncio.Protocol):
    """One connection; keep-alive, no pipelining beyond what the parser hands over in order."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._owed: asyncio.Future[Reply] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._owed is not None:
            self._owed.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path, self._body = b"", []

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        answer = self._answer(method, self._path.decode(), b"".join(self._body))
        if isinstance(answer, asyncio.Future):
            self._owed = answer
            answer.add_done_callback(self._pay)
        else:
            self._write(*answer)

    def _pay(self, answer: asyncio.Future[Reply]) -> None:
        if not answer.cancelled():
            self._write(*answer.result())

    def _write(self, status: int, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (status, _REASONS.get(status, b"Error"), len(body), body)
        )


class Listening:
    """A server on loopback and its open connections; `close` ends both."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._open: weakref.WeakSet[ServerProtocol] = weakref.WeakSet()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def _connection(self) -> ServerProtocol:
        one = ServerProtocol(self._answer)
        self._open.add(one)
        return one

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for one in list(self._open):
            one.close()
        await asyncio.sleep(0)  # transports end on the loop's next turn


async def serve(answer: Answer, port: int = 0) -> Listening:
    """Listens on loopback; port 0 takes a free one."""
    return await Listening(answer).start(port)


class ClientProtocol(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError(str(exc)))

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(status)

    async def send(self, request: bytes) -> int:
        """The status; raises ConnectionResetError when the connection ends first."""
        assert self.transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiter


class Client:
    """Keep-alive connections to one host; as many as are needed at once.

    Like Meta it sends again what found no answer: HAProxy drops connections when it reloads.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._free: list[ClientProtocol] = []
        self.repeated = 0

    async def send(self, request: bytes) -> int:
        """The status of one request. Raises ConnectionError after the last of its tries."""
        for _ in range(_TRIES - 1):
            try:
                return await self._send_once(request)
            except ConnectionError:
                self.repeated += 1
                await asyncio.sleep(_PAUSE_S)
        return await self._send_once(request)

    async def _send_once(self, request: bytes) -> int:
        connection = self._take()
        if connection is None:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(ClientProtocol, self._host, self._port)
        status = await connection.send(request)
        self._free.append(connection)
        return status

    def _take(self) -> ClientProtocol | None:
        while self._free:
            connection = self._free.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                return connection
        return None

    def close(self) -> None:
        for connection in self._free:
            if connection.transport is not None:
                connection.transport.close()
        self._free.clear()
