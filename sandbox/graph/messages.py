"""POST /{phone number id}/messages: everything between the bytes and Meta's answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sandbox.faults import Faults
from sandbox.graph import templates as template_words
from sandbox.graph.delivery import Delivery
from sandbox.graph.errors import GraphError, invalid, required
from sandbox.graph.limits import Limits
from sandbox.graph.media import Media
from sandbox.graph.templates import Templates
from sandbox.graph.validation import MEDIA_TYPES, check_envelope, check_message
from sandbox.ids import new_wamid
from sandbox.ledger import Ledger
from sandbox.numbers import Number
from sandbox.people import BSUID, Customer, People, digits

WINDOW_S = 24 * 3600.0
MONTH_S = 30 * 24 * 3600.0
TYPING_S = 25.0


@dataclass(slots=True, kw_only=True)
class Recipient:
    customer: Customer | None
    address: str
    answer: dict[str, str]


class Outbound:
    """Accepts or refuses sends; the ticks afterwards are `Delivery`'s."""

    def __init__(
        self,
        *,
        faults: Faults,
        people: People,
        ledger: Ledger,
        delivery: Delivery,
        limits: Limits,
        media: Media,
        templates: Templates,
    ) -> None:
        self._faults = faults
        self._people = people
        self._ledger = ledger
        self._delivery = delivery
        self._limits = limits
        self._media = media
        self._templates = templates
        self.typing: dict[str, float] = {}

    def post(self, number: Number, body: Any, *, marketing_only: bool = False) -> dict[str, Any]:
        """Meta's answer; raises GraphError. A 200 with an asynchronous failure is still a 200."""
        message = check_envelope(body)
        if message.get("status") == "read":
            return self._mark_read(message)
        if number.banned or number.status in ("BANNED", "DISCONNECTED", "DELETED"):
            raise GraphError(131031, "The business account has been locked.")
        kind = check_message(message)
        if marketing_only and kind != "template":
            raise GraphError(134100, "Only marketing templates can be sent here.")
        recipient = self._resolve(number, message)
        template = self._templates.check_send(message["template"]) if kind == "template" else None
        if template and template["category"] == "AUTHENTICATION" and message.get("to") is None:
            raise GraphError(131062, "Authentication templates need a phone number.")
        if marketing_only and template and template["category"] != "MARKETING":
            raise GraphError(134100, "Only marketing templates can be sent here.")
        self._check_references(kind, message)
        self._limits.check_throughput(number)
        self._limits.check_pair(number, recipient.address)
        failure = self._injected()
        open_now = self._window_open(number, recipient.customer)
        if failure is None:
            failure = self._late_failure(recipient.customer, template, kind, window_open=open_now)
        if failure is None and template is not None and recipient.customer is not None:
            self._limits.check_portfolio(recipient.customer, window_open=open_now)
        return self._accept(number, message, kind, recipient, template, failure)

    def _accept(
        self,
        number: Number,
        message: dict[str, Any],
        kind: str,
        recipient: Recipient,
        template: dict[str, Any] | None,
        failure: GraphError | None,
    ) -> dict[str, Any]:
        wamid = new_wamid(recipient.address)
        category = template["category"].lower() if template else "service"
        content = {
            k: v for k, v in message.items() if k not in ("messaging_product", "to", "recipient")
        }
        if template is not None:
            content["rendered"] = template_words.render(template, message["template"])
            content["buttons"] = _quick_replies(template)
        customer_id = recipient.customer.id if recipient.customer else recipient.address
        callback = message.get("biz_opaque_callback_data")
        self._ledger.add(
            wamid=wamid,
            customer=customer_id,
            pnid=number.id,
            direction="out",
            kind=kind,
            content=content,
            callback=callback,
            category=category,
        )
        self.typing.pop(customer_id, None)
        self._delivery.start(
            number=number,
            customer=recipient.customer,
            address=recipient.address,
            wamid=wamid,
            kind=kind,
            category=category,
            callback=callback,
            failure=failure,
        )
        result: dict[str, str] = {"id": wamid}
        if template is not None:
            result["message_status"] = "accepted"
        return {
            "messaging_product": "whatsapp",
            "contacts": [recipient.answer],
            "messages": [result],
        }

    # -- parts

    def _mark_read(self, message: dict[str, Any]) -> dict[str, Any]:
        wamid = message.get("message_id")
        if not wamid:
            raise required("message_id")
        typing = message.get("typing_indicator")
        if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
            raise invalid("typing_indicator.type must be text.")
        entry = self._ledger.get(str(wamid))
        if entry is None or entry["direction"] != "in":
            raise invalid("The message id is unknown or older than 30 days.")
        self._ledger.mark(str(wamid), "read")
        if typing is not None:
            self.typing[entry["customer"]] = time.time() + TYPING_S
        return {"success": True}

    def _resolve(self, number: Number, message: dict[str, Any]) -> Recipient:
        if message.get("recipient_type", "individual") not in ("individual", "group"):
            raise invalid("recipient_type must be individual or group.")
        to = message.get("to")
        if to:
            return self._by_phone(number, str(to))
        bsuid = message.get("recipient")
        if not bsuid:
            raise required("to")
        if not BSUID.match(str(bsuid)):
            raise invalid("recipient is not a business-scoped user id.")
        customer = self._people.find(str(bsuid))
        return Recipient(
            customer=customer,
            address=str(bsuid),
            answer={"input": str(bsuid), "user_id": str(bsuid)},
        )

    def _by_phone(self, number: Number, to: str) -> Recipient:
        bare = digits(to)
        if not 7 <= len(bare) <= 15:
            raise invalid(f"{to[:20]} is not a phone number.")
        if not to.startswith("+") and len(bare) <= 11:
            bare = "55" + bare  # read as national: Meta puts the business number's country in front
        if bare == number.phone:
            raise GraphError(131021, "Sender and recipient are the same number.")
        customer = self._people.find(bare)
        if customer is None and self._faults.unknown_recipients == "create":
            customer = self._people.add(phone=bare, name=f"Cliente {bare[-4:]}")
        wa_id = customer.wa_id if customer and customer.wa_id else bare
        return Recipient(customer=customer, address=bare, answer={"input": to, "wa_id": wa_id})

    def _check_references(self, kind: str, message: dict[str, Any]) -> None:
        if (
            kind in MEDIA_TYPES
            and (media_id := message[kind].get("id"))
            and not self._media.exists(str(media_id))
        ):
            raise GraphError(100, f"Param {kind}['id'] is not a valid media id.")
        if kind == "reaction":
            target = self._ledger.get(str(message["reaction"]["message_id"]))
            if (
                target is None
                or target["type"] == "reaction"
                or target["at"] < time.time() - MONTH_S
            ):
                raise invalid("The message to react to does not exist or is too old.")

    def _injected(self) -> GraphError | None:
        """`next_sends`: raise at once, or return what fails later."""
        if self._faults.next_sends <= 0:
            return None
        self._faults.next_sends -= 1
        error = GraphError(self._faults.next_code, "Injected by the sandbox.")
        if self._faults.next_mode == "sync":
            raise error
        return error

    def _window_open(self, number: Number, customer: Customer | None) -> bool:
        if customer is None:
            return False
        return customer.windows.get(number.id, 0.0) > time.time() - WINDOW_S

    def _late_failure(
        self,
        customer: Customer | None,
        template: dict[str, Any] | None,
        kind: str,
        *,
        window_open: bool,
    ) -> GraphError | None:
        if customer is None or not customer.on_whatsapp or customer.blocked:
            return GraphError(131026, "Message Undeliverable.")
        if template is not None:
            if template["category"] == "MARKETING" and customer.opted_out:
                return GraphError(
                    131050, "The user chose to stop marketing messages from this business."
                )
            return None
        if kind != "template" and self._faults.enforce_window and not window_open:
            return GraphError(
                131047, "Message failed to send because more than 24 hours have passed since the customer last"
                " replied to this number."
            )  # fmt: skip
        return None


def _quick_replies(template: dict[str, Any]) -> list[str]:
    for component in template["components"]:
        if str(component.get("type", "")).upper() == "BUTTONS":
            return [b["text"] for b in component["buttons"] if b.get("type") == "QUICK_REPLY"]
    return []
