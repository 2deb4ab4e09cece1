"""A small HTTP/1.1 client for webhooks: kept-alive connections, one POST at a time each.

Webhooks dominate the twin's work; a general client costs ten times the CPU of this one, and the
twins share two cores with what they test. https addresses go through httpx.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools
import httpx


@dataclass(slots=True)
class _Answer:
    done: bool = False
    keep: bool = True
    body: list[bytes] = field(default_factory=list)

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        self.done = True


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Postman:
    def __init__(self, url: str, *, timeout_s: float = 20.0) -> None:
        self.url = url
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._idle: list[Streams] = []
        self._timeout_s = timeout_s
        self._httpx: httpx.AsyncClient | None = None

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        """Returns the HTTP status; raises OSError or TimeoutError when there is none."""
        if self._secure:
            self._httpx = self._httpx or httpx.AsyncClient(timeout=self._timeout_s)
            try:
                answer = await self._httpx.post(self.url, content=body, headers=headers)
            except httpx.HTTPError as error:
                raise OSError(str(error)) from error
            return answer.status_code
        async with asyncio.timeout(self._timeout_s):
            return await self._post_plain(body, headers)

    async def _post_plain(self, body: bytes, headers: dict[str, str]) -> int:
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{lines}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode("latin-1")
        while self._idle:
            reader, writer = self._idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                continue
            try:
                return await self._exchange(reader, writer, head + body)
            except (OSError, httptools.HttpParserError):
                writer.close()  # a stale connection; Meta, too, would deliver again
                break
        reader, writer = await asyncio.open_connection(self._host, self._port)
        return await self._exchange(reader, writer, head + body)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> int:
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        try:
            writer.write(data)
            await writer.drain()
            while not answer.done:
                chunk = await reader.read(65536)
                if not chunk:
                    raise ConnectionResetError  # noqa: TRY301 - closed before the answer was complete
                parser.feed_data(chunk)
        except BaseException:
            writer.close()
            raise
        if parser.should_keep_alive() and len(self._idle) < 64:
            self._idle.append((reader, writer))
        else:
            writer.close()
        status: int = parser.get_status_code()
        return status

    async def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()
        if self._httpx is not None:
            await self._httpx.aclose()
