"""`/control/…`: the hand that moves the outside world. Documented at `/control/docs`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from sandbox.control.bodies import ModelIn, TrafficIn
from sandbox.control.customers import add_customers
from sandbox.control.hand import Hand
from sandbox.control.records import add_records
from sandbox.control.switches import add_switches
from sandbox.control.writing import add_writing
from sandbox.model.routes import ModelRoutes
from sandbox.traffic import Traffic
from sandbox.world import World

Row = dict[str, Any]


def control_router(world: World, *, model: ModelRoutes, traffic: Traffic) -> APIRouter:  # noqa: C901 - a table of routes, each of them short
    router = APIRouter(prefix="/control", tags=["control"])
    hand = Hand(world)
    add_customers(router, hand)
    add_writing(router, hand)
    add_switches(router, hand)
    add_records(router, hand)

    @router.get("/model")
    async def model_state() -> Row:
        return {**model.faults.model_dump(), "calls": model.count, "in_flight": model.in_flight}

    @router.post("/model")
    async def change_model(body: ModelIn) -> Row:
        """`latency_ms`: one figure or [low, high]; `fail` with `next`: the next n calls fail so."""
        if body.latency_ms is not None:
            given = body.latency_ms if isinstance(body.latency_ms, list) else [body.latency_ms]
            model.faults.latency_ms = (given[0], given[-1])
        if body.fail is not None:
            model.faults.fail = str(body.fail)  # type: ignore[assignment]  # checked by ModelIn and used as text
            model.faults.next = 1 if body.next is None else body.next
        elif body.next is not None:
            model.faults.next = body.next
        if body.persona is not None:
            model.faults.persona = body.persona
        if body.retry_after_s is not None:
            model.faults.retry_after_s = body.retry_after_s
        return model.faults.model_dump()

    @router.get("/model/calls")
    async def model_calls(limit: int = 50) -> Row:
        return {"items": model.recent(limit)}

    @router.get("/traffic")
    async def traffic_state() -> Row:
        return traffic.state()

    @router.post("/traffic")
    async def change_traffic(body: TrafficIn) -> Row:
        await traffic.set_pace(body.pace)
        return traffic.state()

    @router.post("/reset")
    async def reset() -> Row:
        """Forget everything that happened, here only; the product keeps what it knows."""
        await traffic.stop()
        await world.reset()
        model.cache.clear()
        model.calls.clear()
        return {"ok": True}

    return router
