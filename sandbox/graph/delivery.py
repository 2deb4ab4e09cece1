"""What happens after the 200: sent, delivered, read or failed, each as a webhook."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from typing import Any

from sandbox.faults import Faults
from sandbox.graph.errors import GraphError
from sandbox.ledger import Ledger
from sandbox.numbers import Number
from sandbox.people import Customer
from sandbox.webhooks import Webhooks

FREE_SERVICE_PER_NUMBER = 1000
# seconds after the POST was accepted, before scaling
SENT_S, DELIVERED_S, READ_S = (0.08, 0.25), (0.2, 0.6), (0.6, 2.5)


class Delivery:
    def __init__(self, *, faults: Faults, ledger: Ledger, webhooks: Webhooks) -> None:
        self._faults = faults
        self._ledger = ledger
        self._webhooks = webhooks
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self,
        *,
        number: Number,
        customer: Customer | None,
        address: str,
        wamid: str,
        kind: str,
        category: str,
        callback: str | None,
        failure: GraphError | None = None,
    ) -> None:
        """Schedule the ticks of one accepted message; `customer` None: nobody has this number."""
        if not self._faults.statuses:
            return
        ticks = Ticks(
            number=number,
            customer=customer,
            address=address,
            wamid=wamid,
            category=category,
            callback=callback,
        )
        task = asyncio.create_task(self._run(ticks, kind=kind, failure=failure))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, ticks: Ticks, *, kind: str, failure: GraphError | None) -> None:
        customer = ticks.customer
        await self._wait(SENT_S)
        if failure is not None or customer is None:
            error = failure or GraphError(131026, "Message Undeliverable.")
            self._emit(ticks, "failed", error=error)
            return
        self._emit(ticks, "sent")
        if kind == "reaction" or not customer.on_whatsapp:
            return
        await self._wait(DELIVERED_S)
        self._emit(ticks, "delivered")
        if ticks.category == "service":
            ticks.number.service_delivered += 1
        if not customer.reads:
            return
        await self._wait(READ_S)
        self._emit(ticks, "read")

    async def _wait(self, span: tuple[float, float]) -> None:
        scale = self._faults.status_scale
        if scale > 0:
            await asyncio.sleep(random.uniform(*span) * scale)

    def _emit(self, ticks: Ticks, status: str, *, error: GraphError | None = None) -> None:
        errors = error.status_error() if error else None
        self._ledger.mark(ticks.wamid, status, error=errors)
        self._webhooks.emit("messages", ticks.value(status, error=errors))

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


class Ticks:
    """The statuses of one message: they share recipient, callback data and price."""

    __slots__ = ("address", "callback", "category", "customer", "number", "pricing", "wamid")

    def __init__(
        self,
        *,
        number: Number,
        customer: Customer | None,
        address: str,
        wamid: str,
        category: str,
        callback: str | None,
    ) -> None:
        self.number = number
        self.customer = customer
        self.address = address
        self.wamid = wamid
        self.category = category
        self.callback = callback
        self.pricing = price(number, customer, category)

    def value(self, status: str, *, error: dict[str, Any] | None = None) -> dict[str, Any]:
        value: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "metadata": self.number.metadata(),
        }
        element: dict[str, Any] = {
            "id": self.wamid,
            "status": status,
            "timestamp": str(int(time.time())),
        }
        customer = self.customer
        if customer is not None and error is None:
            value["contacts"] = [customer.contact_block()]
        if customer is None or (error is not None and not self.address.startswith("BR.")):
            element["recipient_id"] = self.address
        else:
            if customer.wa_id and not customer.hidden:
                element["recipient_id"] = customer.wa_id
            element["recipient_user_id"] = customer.bsuid
        if self.callback is not None:
            element["biz_opaque_callback_data"] = self.callback
        if error is not None:
            element["errors"] = [error]
        if status in ("sent", "delivered"):
            element["pricing"] = self.pricing
            if self.pricing["type"] == "free_entry_point" and customer is not None:
                element["conversation"] = {
                    "id": hashlib.md5(customer.id.encode(), usedforsecurity=False).hexdigest(),
                    "expiration_timestamp": str(int(customer.fep_until)),
                    "origin": {"type": "referral_conversion"},
                }
        value["statuses"] = [element]
        return value


def price(number: Number, customer: Customer | None, category: str) -> dict[str, Any]:
    """Prices since 1 Oct 2026: 1,000 free delivered service messages per number, then regular."""
    now = time.time()
    if customer is not None and customer.referred_at > now - 24 * 3600 and customer.fep_until < now:
        customer.fep_until = now + 72 * 3600
    if customer is not None and customer.fep_until > now:
        kind, shown = "free_entry_point", "referral_conversion"
    elif category == "service" and number.service_delivered < FREE_SERVICE_PER_NUMBER:
        kind, shown = "free_customer_service", "service"
    else:
        kind, shown = "regular", category
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": shown}
