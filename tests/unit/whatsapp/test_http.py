"""The client on real sockets: what broke before a message left, and what broke after."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from config.limits import SEND_TIMEOUT
from domain.content import Text
from integrations.http import AiohttpTransport
from integrations.whatsapp.client import GraphClient, open_http
from integrations.whatsapp.errors import NotSentError, UnknownOutcomeError
from integrations.whatsapp.outbound import Recipient

TOKEN = "EAAG-very-secret"
ANA = Recipient(phone="553188887777")


async def test_the_http_client_gives_up_connecting_before_the_send_limit():
    async with open_http() as http:
        connect, pool = http.timeout.connect, http.timeout.pool
        assert connect is not None
        assert pool is not None
        assert 2 * connect + pool < SEND_TIMEOUT.total_seconds()
        assert not http.follow_redirects


@asynccontextmanager
async def graph_behaving(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[GraphClient]:
    """A client of a server on a real socket that does with each connection what it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await behave(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, open_http() as http:
        port = server.sockets[0].getsockname()[1]
        yield GraphClient(http, base_url=f"http://127.0.0.1:{port}", version="v26.0", token=TOKEN)


def answering(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


ACCEPTED = answering(b'{"messages":[{"id":"wamid.1"}]}')


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def test_loopback_never_goes_through_a_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    served: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answering(b'{"id":"106","status":"CONNECTED"}'))
        await writer.drain()

    async with graph_behaving(behave) as client:
        assert (await client.get_number("106")).status == "CONNECTED"
    assert served[0].startswith(b"GET /v26.0/106?fields=")


async def test_a_proxy_that_is_away_means_not_sent(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with open_http() as http:
        client = GraphClient(http, base_url="http://graph.example", version="v26.0", token=TOKEN)
        with pytest.raises(NotSentError):
            await client.send_message("106", ANA, Text(body="a"), "c")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "ftp://127.0.0.1"])
async def test_where_nobody_listens_nothing_was_sent(url):
    async with open_http() as http:
        client = GraphClient(http, base_url=url, version="v26.0", token=TOKEN)
        with pytest.raises(NotSentError):
            await client.send_message("106", ANA, Text(body="a"), "c")


async def test_a_failed_tls_handshake_means_not_sent():
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with graph_behaving(behave) as plain, open_http() as http:
        address = plain._root.replace("http:", "https:").removesuffix("/v26.0")
        client = GraphClient(http, base_url=address, version="v26.0", token=TOKEN)
        with pytest.raises(NotSentError):
            await client.send_message("106", ANA, Text(body="a"), "c")


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.transport.abort()


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def _half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(ACCEPTED[:-4])
    await writer.drain()


async def _no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"SSH-2.0-what\r\n\r\n")
    await writer.drain()


async def _unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize("behave", [_reset, _close, _half_an_answer, _no_http, _unread])
async def test_what_breaks_once_the_request_was_on_its_way_is_unknown_and_not_repeated(behave):
    connections = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await behave(reader, writer)

    async with graph_behaving(counted) as client:
        with pytest.raises(UnknownOutcomeError):
            await client.send_message("106", ANA, Text(body="a"), "c")
    assert connections == 1


async def test_a_kept_connection_that_breaks_under_the_next_message_is_unknown_and_not_repeated():
    requests = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1
        writer.write(ACCEPTED)
        await writer.drain()
        await read_request(reader)
        requests += 1

    async with graph_behaving(behave) as client:
        assert (await client.send_message("106", ANA, Text(body="a"), "c")).wamid == "wamid.1"
        with pytest.raises(UnknownOutcomeError):
            await client.send_message("106", ANA, Text(body="b"), "c")
    assert requests == 2


async def test_a_kept_connection_the_server_closed_is_replaced():
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(ACCEPTED)
        await writer.drain()

    async with graph_behaving(behave) as client:
        await client.send_message("106", ANA, Text(body="a"), "c")
        pool = client._http._transport_for_url(httpx.URL(client._root))
        assert isinstance(pool, AiohttpTransport)
        assert pool._session is not None
        assert pool._session.connector is not None
        while pool._session.connector._conns:  # until our side has read that it was closed
            held = next(iter(pool._session.connector._conns.values()))
            if not any(protocol.is_connected() for protocol, _ in held):
                break
            await asyncio.sleep(0)
        assert (await client.send_message("106", ANA, Text(body="b"), "c")).wamid == "wamid.1"
