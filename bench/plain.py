"""The reference of every turn figure: FastAPI, httpx and anthropic, and nothing durable.

`python -m bench.plain PORT OUTSIDE_URL READS`. It checks the signature, answers 200 at once, asks the
model and posts the answer. READS=1 marks the message read first, as Vitrine always does.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import uvicorn
from anthropic import AsyncAnthropic
from fastapi import FastAPI, Request, Response

from bench.webhooks import APP_SECRET

SYSTEM = "Você é a vendedora da Mercante. Responda em português, curto e gentil."


def plain_app(outside: str, *, reads: bool) -> FastAPI:
    """The whole thing; what it had in hand when killed is gone."""
    model = AsyncAnthropic(
        api_key="bench", base_url=f"{outside}/anthropic", max_retries=0, timeout=30
    )
    graph = httpx.AsyncClient(
        base_url=f"{outside}/graph/v26.0",
        headers={"Authorization": "Bearer bench", "Content-Type": "application/json"},
        timeout=10,
        trust_env=False,
    )
    running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with model, graph:
            yield
            await asyncio.gather(*running)  # an answer under way needs them open

    app = FastAPI(openapi_url=None, lifespan=life)

    async def answer(number: str, message: dict[str, Any]) -> None:
        if reads:
            mark = {
                "messaging_product": "whatsapp",
                "status": "read",
                "message_id": message["id"],
                "typing_indicator": {"type": "text"},
            }
            await graph.post(f"/{number}/messages", content=orjson.dumps(mark))
        said = await model.messages.create(
            model="claude-sonnet-5",
            max_tokens=1024,
            system=SYSTEM,
            messages=[{"role": "user", "content": message["text"]["body"]}],
        )
        text = "".join(block.text for block in said.content if block.type == "text")
        sent = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message["from"],
            "type": "text",
            "text": {"body": orjson.loads(text)["message"]},
        }
        await graph.post(f"/{number}/messages", content=orjson.dumps(sent))

    @app.post("/webhook/whatsapp")
    async def events(request: Request) -> Response:
        body = await request.body()
        expected = "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("x-hub-signature-256", "")):
            return Response(status_code=401)
        for entry in orjson.loads(body)["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                for message in value.get("messages", ()):
                    number = value["metadata"]["phone_number_id"]
                    task = asyncio.get_running_loop().create_task(answer(number, message))
                    running.add(task)
                    task.add_done_callback(running.discard)
        return Response(status_code=200)

    return app


if __name__ == "__main__":
    uvicorn.run(
        plain_app(sys.argv[2], reads=sys.argv[3] == "1"),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
