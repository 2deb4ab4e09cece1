"""A tiny product for the sandbox's own tests: takes webhooks, asks the model twin, answers by Graph.

It keeps nothing durable and knows no fencing; it only speaks the product's public HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
import uuid
from typing import Any

import httpx
import orjson
from fastapi import FastAPI, HTTPException, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tests.unit.sandbox.servers import no_tls
from tests.unit.sandbox.tools import TOOLS, use_tool


class FakeProduct:
    def __init__(self, env: dict[str, str], *, answer: bool = True) -> None:
        self.env = env
        self.answer = answer
        self.received: list[dict[str, Any]] = []
        self.refuse = 0
        self.bad_signatures = 0
        self.conversations: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.seen: set[str] = set()
        self.feeds: set[asyncio.Queue[tuple[str, Any]]] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.paused = False
        self.actor_pids = [os.getpid()]
        self.client = httpx.AsyncClient(timeout=10, verify=no_tls())
        self.app = self._build()

    def updates(self, field: str = "messages") -> list[dict[str, Any]]:
        return [
            change["value"]
            for payload in self.received
            for entry in payload["entry"]
            for change in entry["changes"]
            if change["field"] == field
        ]

    def messages(self) -> list[dict[str, Any]]:
        return [m for value in self.updates() for m in value.get("messages", ())]

    def statuses(self) -> list[dict[str, Any]]:
        return [s for value in self.updates() for s in value.get("statuses", ())]

    def publish(self, name: str, data: Any) -> None:
        for feed in self.feeds:
            feed.put_nowait((name, data))

    def trace(self, conversation: str, stage: str, **detail: Any) -> None:
        now = time.time()
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        self.publish(
            "trace", {"conversation_id": conversation, "stage": stage, "at": at, "detail": detail}
        )

    def _build(self) -> FastAPI:
        app = FastAPI()

        @app.get("/webhook/whatsapp")
        async def handshake(request: Request) -> Response:
            query = request.query_params
            if query.get("hub.verify_token") != self.env["WHATSAPP_VERIFY_TOKEN"]:
                return Response(status_code=403)
            return PlainTextResponse(query["hub.challenge"])

        @app.post("/webhook/whatsapp")
        async def webhook(request: Request) -> Response:
            raw = await request.body()
            key = self.env["WHATSAPP_APP_SECRET"].encode()
            wanted = "sha256=" + hmac.new(key, raw, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(wanted, request.headers.get("x-hub-signature-256", "")):
                self.bad_signatures += 1
                return Response(status_code=401)
            if self.refuse > 0:
                self.refuse -= 1
                return Response(status_code=500)
            payload = orjson.loads(raw)
            self.received.append(payload)
            self._take(payload)
            return Response()

        @app.post("/auth/login")
        async def login(body: dict[str, str]) -> dict[str, Any]:
            if body["password"] != "right":
                raise HTTPException(401)
            return {"access_token": "t", "refresh_token": "r", "expires_in": 3600}

        @app.get("/system")
        async def system() -> dict[str, Any]:
            return {
                "ai_paused": self.paused,
                "sandbox": True,
                "model": {"name": "ensaio", "rehearsal": True},
            }

        @app.post("/system/{verb}")
        async def pause(verb: str) -> dict[str, Any]:
            self.paused = verb == "pause"
            return {"ai_paused": self.paused}

        @app.get("/conversations")
        async def conversations(q: str = "") -> dict[str, Any]:
            found = [
                c
                for c in self.conversations.values()
                if q in c["contact"]["phone"] + c["contact"]["name"]
            ]
            return {"items": found, "next_cursor": None}

        @app.get("/conversations/{key}")
        async def conversation(key: str) -> dict[str, Any]:
            return next(c for c in self.conversations.values() if c["id"] == key)

        @app.post("/conversations/{key}/{verb}")
        async def act(key: str, verb: str) -> dict[str, Any]:
            found = next(c for c in self.conversations.values() if c["id"] == key)
            found["mode"] = "operator" if verb == "takeover" else "agent"
            found["epoch"] += 1
            return {"epoch": found["epoch"], "in_flight": [], "handled_up_to": 0}

        @app.get("/actors")
        async def actors() -> dict[str, Any]:
            return {
                "items": [
                    {"name": "conversation/x", "kind": "own", "pid": p} for p in self.actor_pids
                ]
            }

        @app.get("/events")
        async def events() -> StreamingResponse:
            return StreamingResponse(self._feed(), media_type="text/event-stream")

        return app

    async def _feed(self) -> Any:
        queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.feeds.add(queue)
        try:
            yield b": hello\n\n"
            while True:
                name, data = await queue.get()
                yield (
                    b"id: f-1\nevent: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
                )
        finally:
            self.feeds.discard(queue)

    def _take(self, payload: dict[str, Any]) -> None:
        for entry in payload["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                for message in value.get("messages", ()):
                    if message["id"] in self.seen:
                        continue
                    self.seen.add(message["id"])
                    if self.answer and message.get("type") == "text":
                        task = asyncio.create_task(self._turn(value, message))
                        self.tasks.add(task)
                        task.add_done_callback(self.tasks.discard)

    async def _turn(self, value: dict[str, Any], message: dict[str, Any]) -> None:
        person = message.get("from") or message["from_user_id"]
        conversation = self.conversations.setdefault(person, _conversation(person, value))
        key = conversation["id"]
        self.trace(key, "webhook.received")
        self.trace(key, "inbox.stored")
        self.trace(key, "actor.activated", **conversation["actor"], epoch=conversation["epoch"])
        self.trace(key, "quiet.waiting", due_at=time.time() + 0.2)
        pnid = value["metadata"]["phone_number_id"]
        await self.graph(
            pnid,
            {"status": "read", "message_id": message["id"], "typing_indicator": {"type": "text"}},
        )
        self.trace(key, "turn.started")
        self.trace(key, "model.called", model="ensaio")
        text = await self._ask(key, message["text"]["body"])
        self.trace(key, "model.answered")
        self.trace(key, "turn.committed")
        self.trace(
            key, "number.chosen", phone_number_id=pnid, reason="a conversa já usa este número"
        )
        self.trace(key, "send.claimed", epoch=conversation["epoch"])
        to = (
            {"to": "+" + message["from"]}
            if "from" in message
            else {"recipient": message["from_user_id"]}
        )
        body = {
            **to,
            "type": "text",
            "text": {"body": text},
            "biz_opaque_callback_data": str(uuid.uuid4()),
        }
        answer = await self.graph(pnid, body)
        self.trace(key, "send.posted", http=answer.status_code)

    async def _ask(self, key: str, text: str) -> str:
        messages = self.history.setdefault(key, [])
        messages.append({"role": "user", "content": text})
        asked = [*messages]
        while True:
            body = {
                "model": "claude-sonnet-5",
                "max_tokens": 900,
                "system": "Mercante Demo",
                "tools": TOOLS,
            }
            answer = await self.client.post(
                self.env["ANTHROPIC_BASE_URL"] + "/v1/messages",
                json={**body, "messages": asked},
                headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
            )
            content = answer.json()["content"]
            uses = [b for b in content if b["type"] == "tool_use"]
            if not uses:
                messages.append({"role": "assistant", "content": content[-1]["text"]})
                return str(content[-1]["text"])
            results = [
                {
                    "type": "tool_result",
                    "tool_use_id": use["id"],
                    "content": orjson.dumps(use_tool(use["name"], use["input"])).decode(),
                }
                for use in uses
            ]
            for use in uses:
                self.trace(key, "tool.called", tool=use["name"])
            asked += [
                {"role": "assistant", "content": content},
                {"role": "user", "content": results},
            ]

    async def graph(self, pnid: str, body: dict[str, Any]) -> httpx.Response:
        return await self.client.post(
            f"{self.env['WHATSAPP_API_URL']}/v26.0/{pnid}/messages",
            json={"messaging_product": "whatsapp", **body},
            headers={"Authorization": f"Bearer {self.env['WHATSAPP_ACCESS_TOKEN']}"},
        )

    async def close(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.client.aclose()


def _conversation(person: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "contact": {
            "name": value["contacts"][0]["profile"]["name"],
            "phone": "+" + person if person.isdigit() else "",
        },
        "mode": "agent",
        "assignee": None,
        "score": 0.3,
        "epoch": 1,
        "awaiting": "none",
        "cost_usd_micros": 1200,
        "actor": {
            "name": "conversation/demo",
            "kind": "own",
            "node": "no-local",
            "pid": os.getpid(),
        },
    }
