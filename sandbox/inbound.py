"""Customers writing: the `messages[]` elements and the webhook around them."""

from __future__ import annotations

import time
from typing import Any

from sandbox.graph.limits import Limits
from sandbox.graph.media import Media
from sandbox.ids import new_wamid
from sandbox.ledger import Ledger
from sandbox.numbers import Number
from sandbox.people import Customer, People
from sandbox.webhooks import Webhooks

MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")
SILENT_KINDS = ("system",)  # no window, no contacts block


class Inbound:
    """Turns what a customer does into signed webhooks and ledger rows."""

    def __init__(
        self, *, people: People, ledger: Ledger, webhooks: Webhooks, limits: Limits, media: Media
    ) -> None:
        self._people = people
        self._ledger = ledger
        self._webhooks = webhooks
        self._limits = limits
        self._media = media

    def say(
        self,
        customer: Customer,
        number: Number,
        content: dict[str, Any],
        *,
        referral: dict[str, Any] | None = None,
        reply_to: str | None = None,
        copies: int = 1,
        age_s: float = 0.0,
        wamid: str | None = None,
    ) -> str:
        """One message of this customer to this number; returns its wamid.

        `content` is `{"type": …, <type>: {…}}` as Meta writes it, or our short form
        `{"kind": "text", "body": …}`. `age_s` dates it back, as a late webhook would.
        """
        message = self.build(
            customer, number, content, referral=referral, reply_to=reply_to, age_s=age_s
        )
        if wamid:
            message["id"] = wamid
        if referral:
            customer.referred_at = time.time()
        self.record(customer, number, message)
        self._webhooks.emit("messages", inbound_value(customer, number, [message]), copies=copies)
        return str(message["id"])

    def record(self, customer: Customer, number: Number, message: dict[str, Any]) -> None:
        """Window, throughput and ledger of a message that is about to be delivered."""
        kind = str(message["type"])
        if kind not in SILENT_KINDS:
            written_at = float(message["timestamp"])
            customer.windows[number.id] = max(customer.windows.get(number.id, 0.0), written_at)
            self._people.save(customer)
        self._limits.count_inbound(number)
        self._ledger.add(
            wamid=message["id"],
            customer=customer.id,
            pnid=number.id,
            direction="in",
            kind=kind,
            content=message,
            status="posted",
        )

    def build(
        self,
        customer: Customer,
        number: Number,
        content: dict[str, Any],
        *,
        referral: dict[str, Any] | None = None,
        reply_to: str | None = None,
        age_s: float = 0.0,
    ) -> dict[str, Any]:
        """The `messages[]` element, unsent."""
        element = wire_content(content)
        message: dict[str, Any] = {}
        if customer.wa_id and not customer.hidden:
            message["from"] = customer.wa_id
        message["from_user_id"] = customer.bsuid
        message["id"] = new_wamid(customer.wa_id or customer.bsuid)
        message["timestamp"] = str(int(time.time() - age_s))
        message.update(element)
        kind = str(message["type"])
        part = message.get(kind)
        if (
            kind in MEDIA_KINDS
            and isinstance(part, dict)
            and self._media.exists(str(part.get("id", "")))
        ):
            message[kind] = {**part, **self._media.inbound_object(str(part["id"]))}
        if reply_to:
            message["context"] = {"from": number.phone, "id": reply_to}
        if referral:
            message["referral"] = referral
        return message

    def tap(self, customer: Customer, number: Number, *, wamid: str, choice: str) -> str:
        """Tap a button or list row of one of our messages, named by id or by title."""
        entry = self._ledger.get(wamid)
        if entry is None or entry["direction"] != "out" or entry["customer"] != customer.id:
            raise LookupError("unknown message")
        content = tapped(entry["content"], choice)
        if content is None:
            raise LookupError("this message has no such button")
        return self.say(customer, number, content, reply_to=wamid)


def wire_content(content: dict[str, Any]) -> dict[str, Any]:
    """Short forms become Meta's; what already has a `type` passes unchanged."""
    if "type" in content:
        return content
    kind = str(content.get("kind", "text"))
    rest = {k: v for k, v in content.items() if k != "kind"}
    if kind == "reaction":
        emoji = rest.get("emoji")
        reaction = {
            "message_id": rest.get("target_wamid", ""),
            **({"emoji": emoji} if emoji else {}),
        }
        return {"type": kind, "reaction": reaction}
    if kind == "contacts":
        return {"type": kind, "contacts": rest.get("cards", [])}
    return {"type": kind, kind: rest}


def tapped(content: dict[str, Any], choice: str) -> dict[str, Any] | None:
    """What a tap on `choice` sends back; None when there is no such button."""
    if content.get("type") == "template":
        for label in content.get("buttons", ()):
            if label == choice:
                return {
                    "type": "button",
                    "button": {"payload": _payload(content, label), "text": label},
                }
        return None
    interactive = content.get("interactive") or {}
    action = interactive.get("action") or {}
    for button in action.get("buttons", ()):
        reply = button["reply"]
        if choice in (reply["id"], reply["title"]):
            return {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": reply},
            }
    for section in action.get("sections", ()):
        for row in section["rows"]:
            if choice in (row["id"], row["title"]):
                return {
                    "type": "interactive",
                    "interactive": {"type": "list_reply", "list_reply": row},
                }
    return None


def _payload(content: dict[str, Any], label: str) -> str:
    index = content["buttons"].index(label)
    for component in content.get("template", {}).get("components") or ():
        if component.get("sub_type") == "quick_reply" and str(component.get("index")) == str(index):
            return str(component["parameters"][0].get("payload", label))
    return label


def inbound_value(
    customer: Customer, number: Number, messages: list[dict[str, Any]]
) -> dict[str, Any]:
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": number.metadata()}
    if messages and messages[0].get("type") not in SILENT_KINDS:
        value["contacts"] = [customer.contact_block()]
    value["messages"] = messages
    return value
