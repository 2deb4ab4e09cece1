"""`/control/say`, `/control/tap` and everything else that makes a webhook."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException

from sandbox.control.bodies import BatchIn, FieldIn, RawIn, RepeatIn, SayIn, TapIn
from sandbox.control.hand import Hand
from sandbox.inbound import inbound_value
from sandbox.signing import webhook_bytes

Row = dict[str, Any]


def add_writing(router: APIRouter, hand: Hand) -> None:  # noqa: C901 - a table of routes, each of them short
    world = hand.world

    @router.post("/say", status_code=202)
    async def say(body: SayIn) -> Row:
        """Write as a customer."""
        customer = hand.speaker(body)
        wamid = world.inbound.say(
            customer,
            hand.number(body.number),
            hand.content(body),
            referral=body.referral,
            reply_to=body.reply_to,
            copies=body.copies,
            age_s=body.age_s,
        )
        return {"wamid": wamid, "customer": customer.id}

    @router.post("/tap", status_code=202)
    async def tap(body: TapIn) -> Row:
        """Tap a button or a list row of one of our messages."""
        customer = hand.customer(body.customer)
        entry = world.ledger.get(body.wamid)
        number = hand.number(body.number or (entry["pnid"] if entry else None))
        try:
            wamid = world.inbound.tap(customer, number, wamid=body.wamid, choice=body.choice)
        except LookupError as error:
            raise HTTPException(404, str(error)) from error
        return {"wamid": wamid, "customer": customer.id}

    @router.post("/batch", status_code=202)
    async def batch(body: BatchIn) -> Row:
        """All these messages in one POST, in this order."""
        changes, wamids = [], []
        for said in body.messages:
            customer, number = hand.speaker(said), hand.number(said.number)
            message = world.inbound.build(customer, number, hand.content(said), age_s=said.age_s)
            world.inbound.record(customer, number, message)
            wamids.append(message["id"])
            changes.append(
                {"field": "messages", "value": inbound_value(customer, number, [message])}
            )
        world.webhooks.emit_batch(changes)
        return {"wamids": wamids}

    @router.post("/repeat", status_code=202)
    async def repeat(body: RepeatIn) -> Row:
        """Send the webhook of the customer's last message again, `times` times, byte for byte."""
        customer = hand.customer(body.customer)
        last = [e for e in world.ledger.chat(customer.id) if e["direction"] == "in"][-1:]
        if not last:
            raise HTTPException(404, "this customer has not written yet")
        value = inbound_value(customer, hand.number(last[0]["pnid"]), [last[0]["content"]])
        world.webhooks.emit("messages", value, copies=max(2, body.times) if body.times > 1 else 1)
        return {"wamid": last[0]["wamid"], "times": body.times}

    @router.post("/webhook")
    async def raw_webhook(body: RawIn) -> Row:
        """Any body, once, signed rightly or as told; answers with the product's HTTP status."""
        data = (
            body.text.encode("utf-8", "surrogatepass")
            if body.text is not None
            else webhook_bytes(body.payload)
        )
        try:
            return {"http": await world.webhooks.post_raw(data, signed=body.signature)}
        except (OSError, TimeoutError) as error:
            return {"http": None, "error": type(error).__name__}

    @router.post("/field", status_code=202)
    async def field(body: FieldIn) -> Row:
        """Any `changes[]` element, e.g. `account_update`."""
        world.webhooks.emit(body.field, body.value)
        return {"ok": True}

    @router.post("/verify")
    async def verify() -> Row:
        """Meta's GET handshake against the product."""
        return await world.webhooks.verify()
