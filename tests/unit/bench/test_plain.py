"""The reference answers, so that beating or missing it means something."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bench.plain import plain_app
from bench.servers.outside import Outside
from bench.servers.wire import serve
from bench.webhooks import Person, message_request


@pytest.mark.parametrize("reads", [False, True])
async def test_a_signed_message_is_answered_and_a_forged_one_is_not(reads):
    outside, answered = Outside(), asyncio.Event()
    outside.on_message = lambda *_: answered.set()
    server = await serve(outside.answer)
    head, _, body = message_request(Person(n=1), "/", "x").partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    signed = {"X-Hub-Signature-256": lines["X-Hub-Signature-256"]}
    app = plain_app(f"http://127.0.0.1:{server.port}", reads=reads)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://plain") as client,
    ):
        forged = {"X-Hub-Signature-256": "sha256=00"}
        refused = await client.post("/webhook/whatsapp", content=body, headers=forged)
        taken = await client.post("/webhook/whatsapp", content=body, headers=signed)
        async with asyncio.timeout(10):
            await answered.wait()
    await server.close()
    assert (refused.status_code, taken.status_code) == (401, 200)
    assert outside.counts == {"messages": 1, "reads": int(reads), "model": 1, "other": 0}
