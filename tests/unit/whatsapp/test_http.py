"""The client on real sockets: proxies, refused and reset connections."""

from __future__ import annotations

import asyncio

import pytest

from config.limits import SEND_TIMEOUT
from domain.content import Text
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


async def test_loopback_never_goes_through_a_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    served: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.readuntil(b"\r\n\r\n"))
        answer = b'{"id":"106","status":"CONNECTED"}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, open_http() as http:
        port = server.sockets[0].getsockname()[1]
        client = GraphClient(
            http, base_url=f"http://127.0.0.1:{port}", version="v26.0", token=TOKEN
        )
        assert (await client.get_number("106")).status == "CONNECTED"
    assert served[0].startswith(b"GET /v26.0/106?fields=")


async def test_a_closed_port_is_not_sent_for_real():
    async with open_http() as http:
        client = GraphClient(http, base_url="http://127.0.0.1:1", version="v26.0", token=TOKEN)
        with pytest.raises(NotSentError):
            await client.send_message("106", ANA, Text(body="a"), "c")


async def test_a_connection_reset_after_the_request_is_unknown_for_real():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, open_http() as http:
        port = server.sockets[0].getsockname()[1]
        client = GraphClient(
            http, base_url=f"http://127.0.0.1:{port}", version="v26.0", token=TOKEN
        )
        with pytest.raises(UnknownOutcomeError):
            await client.send_message("106", ANA, Text(body="a"), "c")
