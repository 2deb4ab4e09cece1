"""The page's other half: the live feed, and what the page does in the product as an operator."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter, HTTPException
from starlette.responses import StreamingResponse

from sandbox.control.bodies import KillIn
from sandbox.control.hand import chat_view
from sandbox.model.routes import ModelRoutes
from sandbox.people import Customer
from sandbox.product import Product, ProductDownError
from sandbox.world import World

LOOK_EVERY_S = 0.25
BEAT_EVERY_S = 15.0
Row = dict[str, Any]


def relay_router(world: World, product: Product, *, model: ModelRoutes) -> APIRouter:  # noqa: C901, PLR0915 - a table of routes, each of them short
    router = APIRouter(prefix="/control", tags=["page"])

    def customer_of(key: str) -> Customer:
        found = world.people.find(key)
        if found is None:
            raise HTTPException(404, f"no customer {key}")
        return found

    async def call(method: str, path: str, body: Any = None) -> Any:
        try:
            return await product.call(method, path, body)
        except ProductDownError as error:
            raise HTTPException(502, str(error)) from error

    async def conversation_of(key: str) -> str:
        try:
            found = await product.conversation_id(customer_of(key))
        except ProductDownError as error:
            raise HTTPException(502, str(error)) from error
        if found is None:
            raise HTTPException(404, "o produto ainda não tem uma conversa com este cliente")
        return found

    @router.get("/product")
    async def product_state() -> Row:
        """Is the product there, is the AI paused, which model answers; never an error."""
        state: Row = {
            "up": False,
            "problem": "",
            "system": None,
            "url": product.url,
            "model_calls_here": model.count,
        }
        try:
            state["system"] = await product.call("GET", "/system")
            state["up"] = True
        except ProductDownError as error:
            state["problem"] = str(error)
        return state

    @router.get("/inside/{key}")
    async def inside(key: str) -> Row:
        """The product's own view of this customer's conversation, or why there is none."""
        customer = customer_of(key)
        try:
            found = await product.conversation_id(customer)
            body = await product.call("GET", f"/conversations/{found}") if found else None
        except ProductDownError as error:
            if error.http == 404:
                product.forget(customer)
            up, problem = error.http is not None, str(error)
            return {"up": up, "problem": problem, "conversation": None, "traces": []}
        traces = [t for t in product.traces if found and t.get("conversation_id") == found]
        return {"up": True, "problem": "", "conversation": body, "traces": traces}

    @router.post("/inside/{key}/takeover")
    async def takeover(key: str) -> Any:
        return await call("POST", f"/conversations/{await conversation_of(key)}/takeover", {})

    @router.post("/inside/{key}/handback")
    async def handback(key: str) -> Any:
        return await call("POST", f"/conversations/{await conversation_of(key)}/handback", {})

    @router.post("/product/pause")
    async def pause() -> Any:
        return await call("POST", "/system/pause", {"reason": "Pausado pela página do ensaio"})

    @router.post("/product/resume")
    async def resume() -> Any:
        return await call("POST", "/system/resume", {})

    @router.get("/actors")
    async def actors() -> Any:
        return await call("GET", "/actors")

    @router.post("/kill")
    async def kill(body: KillIn) -> Row:
        """SIGKILL an actor of the product on this machine; only pids that `GET /actors` lists."""
        listed = await call("GET", "/actors")
        found = next((a for a in listed.get("items", ()) if a.get("pid") == body.pid), None)
        if found is None or body.pid == os.getpid():
            raise HTTPException(404, f"{body.pid} is not the pid of a listed actor")
        try:
            os.kill(body.pid, signal.SIGKILL)
        except ProcessLookupError as error:
            raise HTTPException(410, f"{body.pid} is gone already") from error
        except PermissionError as error:
            raise HTTPException(403, f"{body.pid} belongs to another user") from error
        return {"killed": body.pid, "name": found.get("name"), "at": time.time()}

    @router.get("/live")
    async def live(customer: str) -> StreamingResponse:
        """Server-sent events for one phone: `chat` on every change, and the product's feed."""
        stream = _live(world, product, customer_of(customer))
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    return router


async def _live(world: World, product: Product, customer: Customer) -> AsyncIterator[bytes]:
    queue = product.subscribe()
    shown: tuple[int, bool] | None = None
    beat = time.monotonic()
    try:
        yield _sse("product", {"up": product.up, "problem": product.problem})
        while True:
            state = (
                world.ledger.touched.get(customer.id, 0),
                world.outbound.typing.get(customer.id, 0.0) > time.time(),
            )
            if state != shown:
                shown = state
                yield _sse("chat", chat_view(world, customer))
            try:
                event = await asyncio.wait_for(queue.get(), LOOK_EVERY_S)
            except TimeoutError:
                event = None
            if event is not None:
                yield _sse(event["event"], event["data"])
            if time.monotonic() - beat > BEAT_EVERY_S:
                beat = time.monotonic()
                yield b": beat\n\n"
    finally:
        product.unsubscribe(queue)


def _sse(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
