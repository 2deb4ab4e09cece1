"""`/control/customers`, `/control/chat`, `/control/media`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from sandbox.control.bodies import CustomerChange, CustomerIn
from sandbox.control.hand import Hand, chat_view, shown
from sandbox.inbound import inbound_value

Row = dict[str, Any]


def add_customers(router: APIRouter, hand: Hand) -> None:
    world = hand.world

    @router.get("/customers")
    async def customers(q: str = "", limit: int = 100) -> Row:
        """Those with messages first, newest first, then the pinned ones, then the rest."""
        last = world.ledger.last_per_customer()
        found = [
            c
            for c in world.people.by_id.values()
            if q.lower() in f"{c.name} {c.phone} {c.username or ''}".lower()
        ]
        found.sort(key=lambda c: (-(last[c.id]["seq"] if c.id in last else 0), not c.pinned))
        return {"items": [shown(c, last.get(c.id)) for c in found[:limit]], "total": len(found)}

    @router.post("/customers", status_code=201)
    async def add_customer(body: CustomerIn) -> Row:
        if body.phone is None and body.username is None and body.bsuid is None:
            raise HTTPException(422, "a phone, a username or a bsuid is needed")
        habits = {"hidden": body.hidden, "on_whatsapp": body.on_whatsapp, "reads": body.reads}
        customer = world.people.add(
            phone=body.phone,
            name=body.name,
            username=body.username,
            bsuid=body.bsuid,
            pinned=True,
            **habits,
        )
        return shown(customer, None)

    @router.patch("/customers/{key}")
    async def change_customer(key: str, body: CustomerChange) -> Row:
        customer = hand.customer(key)
        for name, value in body.model_dump(exclude_none=True, exclude={"phone"}).items():
            setattr(customer, name, value)
        if body.phone:
            number = world.number(None)
            old_wa_id, old_bsuid = world.people.change_number(customer, body.phone)
            system = {
                "type": "user_changed_number",
                "body": f"User {customer.name} changed from {old_wa_id} to {customer.wa_id}",
                "wa_id": customer.wa_id,
                "user_id": customer.bsuid,
                "previous_user_id": old_bsuid,
            }
            message = world.inbound.build(customer, number, {"type": "system", "system": system})
            message["from"] = old_wa_id
            message.pop("from_user_id", None)
            world.webhooks.emit("messages", inbound_value(customer, number, [message]))
        world.people.save(customer)
        return shown(customer, None)

    @router.get("/chat/{key}")
    async def chat(key: str, limit: int = 200) -> Row:
        """Both directions with ticks, the proof, and whether the business is typing."""
        customer = hand.customer(key)
        return chat_view(world, customer, limit=limit)

    @router.get("/media/{media_id}")
    async def media(media_id: str) -> Response:
        found = world.media.bytes_of(media_id)
        if found is None:
            raise HTTPException(404, "no such file")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "max-age=86400"})
