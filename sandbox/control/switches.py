"""`/control/faults`, numbers, templates, windows: what Meta decides."""

from __future__ import annotations

import time
from typing import Any

import orjson
from fastapi import APIRouter, HTTPException, Request

from sandbox.control.bodies import NumberChange, TemplateChange, WindowIn
from sandbox.control.hand import Hand, shown_number
from sandbox.faults import Faults
from sandbox.graph.templates import webhook_value

Row = dict[str, Any]


def add_switches(router: APIRouter, hand: Hand) -> None:  # noqa: C901 - a table of routes, each of them short
    world = hand.world

    @router.get("/faults")
    async def faults() -> Faults:
        return world.faults

    @router.post("/faults")
    async def change_faults(request: Request) -> Faults:
        """A partial `Faults`; releasing a pause sends what was held, in order."""
        given = orjson.loads(await request.body() or b"{}")
        if not isinstance(given, dict) or (unknown := set(given) - set(Faults.model_fields)):
            raise HTTPException(
                422, f"unknown switches: {sorted(unknown) if isinstance(given, dict) else given}"
            )
        try:
            changed = Faults(**{**world.faults.model_dump(), **given})
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        for name in given:
            setattr(world.faults, name, getattr(changed, name))
        if not world.faults.webhooks_paused:
            world.webhooks.release()
        return world.faults

    @router.delete("/faults")
    async def clear_faults() -> Faults:
        for name, value in Faults(status_scale=world.config.status_scale):
            setattr(world.faults, name, value)
        world.webhooks.release()
        return world.faults

    @router.get("/numbers")
    async def numbers() -> Row:
        return {"items": [shown_number(n) for n in world.numbers.values()]}

    @router.post("/numbers/{pnid}")
    async def change_number(pnid: str, body: NumberChange) -> Row:
        """Quality is only seen by polls (as with Meta); a ban also sends `account_update`."""
        number = hand.number(pnid)
        for name, value in body.model_dump(exclude_none=True).items():
            setattr(number, name, value)
        if body.banned:
            restriction = [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}]
            world.webhooks.emit(
                "account_update",
                {
                    "event": "ACCOUNT_RESTRICTION",
                    "phone_number": number.phone,
                    "restriction_info": restriction,
                },
            )
        return shown_number(number)

    @router.get("/templates")
    async def templates() -> Row:
        return {"items": list(world.templates.all.values())}

    @router.post("/templates/{template_id}")
    async def change_template(template_id: str, body: TemplateChange) -> Row:
        """As if Meta had decided; the webhook follows."""
        template = world.templates.all.get(template_id)
        if template is None:
            raise HTTPException(404, "no such template")
        template["status"] = body.status
        world.templates.save(template)
        world.webhooks.emit("message_template_status_update", webhook_value(template))
        return template

    @router.post("/window")
    async def window(body: WindowIn) -> Row:
        """Open or close the 24-hour window of a customer with a number."""
        customer = hand.customer(body.customer)
        number = hand.number(body.number)
        customer.windows[number.id] = time.time() if body.open else 0.0
        world.people.save(customer)
        return {"ok": True}
