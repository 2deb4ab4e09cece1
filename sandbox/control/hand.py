"""Look-ups and shapes shared by the control routes."""

from __future__ import annotations

import time
from typing import Any

from fastapi import HTTPException

from sandbox.control.bodies import SayIn
from sandbox.numbers import Number
from sandbox.people import Customer
from sandbox.samples import sample
from sandbox.world import World

Row = dict[str, Any]


class Hand:
    """Look-ups with the right HTTP errors, shared by the routes."""

    def __init__(self, world: World) -> None:
        self.world = world

    def customer(self, key: str) -> Customer:
        try:
            return self.world.customer(key)
        except LookupError as error:
            raise HTTPException(404, f"no customer {key}") from error

    def number(self, pnid: str | None) -> Number:
        try:
            return self.world.number(pnid)
        except KeyError as error:
            raise HTTPException(404, f"no number {pnid}") from error

    def content(self, body: SayIn) -> Row:
        if body.sample is not None:
            data, mime_type, filename = sample(body.sample)
            media_id = self.world.media.save(data, mime_type, pnid=None, filename=filename)
            part: Row = {"id": media_id}
            if body.sample == "audio":
                part["voice"] = True
            elif body.text:
                part["caption"] = body.text
            return {"type": body.sample, body.sample: part}
        if body.content is not None:
            return body.content
        return {"kind": "text", "body": body.text or ""}

    def speaker(self, body: SayIn) -> Customer:
        found = self.world.people.find(body.customer)
        if found is None and not body.customer.startswith("BR."):
            found = self.world.people.add(phone=body.customer, name=body.name or "Cliente novo")
        return found or self.customer(body.customer)


def shown(customer: Customer, last: Row | None) -> Row:
    return {
        "id": customer.id,
        "name": customer.name,
        "phone": customer.phone,
        "wa_id": customer.wa_id,
        "bsuid": customer.bsuid,
        "username": customer.username,
        "hidden": customer.hidden,
        "on_whatsapp": customer.on_whatsapp,
        "reads": customer.reads,
        "blocked": customer.blocked,
        "opted_out": customer.opted_out,
        "pinned": customer.pinned,
        "simulated": customer.simulated,
        "last_message": last,
    }


def shown_number(number: Number) -> Row:
    return {
        "phone_number_id": number.id,
        "phone": number.phone,
        "display_phone": number.display,
        "verified_name": number.verified_name,
        "quality": number.quality,
        "status": "BANNED" if number.banned else number.status,
        "mps": number.mps,
        "banned": number.banned,
        "can_send": number.can_send,
    }


def chat_view(world: World, customer: Customer, *, limit: int = 200) -> Row:
    return {
        "customer": shown(customer, None),
        "messages": world.ledger.chat(customer.id, limit=limit),
        "typing": world.outbound.typing.get(customer.id, 0.0) > time.time(),
        "proof": world.ledger.proof(customer.id),
    }
