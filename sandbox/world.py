"""Everything one sandbox process holds, wired together."""

from __future__ import annotations

import asyncio
import time

from sandbox.config import WABA_ID, SandboxConfig
from sandbox.faults import Faults
from sandbox.graph.delivery import Delivery
from sandbox.graph.limits import Limits
from sandbox.graph.media import Media
from sandbox.graph.messages import Outbound
from sandbox.graph.templates import Templates, webhook_value
from sandbox.inbound import Inbound
from sandbox.ledger import Ledger
from sandbox.numbers import Number, default_numbers
from sandbox.people import Customer, People
from sandbox.seed.company import Company, build_company
from sandbox.store import Store
from sandbox.webhooks import Webhooks

COMMIT_EVERY_S = 0.2
RESUME_WITHIN_S = 3600.0


class World:
    """The outside world: Meta, its customers and the fictitious company."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.faults = Faults(status_scale=config.status_scale)
        self.store = Store(config.data_dir)
        self.company: Company = build_company(config.seed)
        self.numbers: dict[str, Number] = default_numbers()
        self.ledger = Ledger(self.store)
        self.webhooks = Webhooks(config, self.faults)
        self.webhooks.on_delivered = self.ledger.mark_taken
        self.limits = Limits(self.faults)
        self.media = Media(self.store, base_url=config.base_url, secret=config.app_secret)
        self._load()
        self._task: asyncio.Task[None] | None = None

    def _load(self) -> None:
        self.people = People(self.store)
        self.templates = Templates(self.store)
        self.delivery = Delivery(faults=self.faults, ledger=self.ledger, webhooks=self.webhooks)
        self.inbound = Inbound(
            people=self.people,
            ledger=self.ledger,
            webhooks=self.webhooks,
            limits=self.limits,
            media=self.media,
        )
        self.outbound = Outbound(
            faults=self.faults,
            people=self.people,
            ledger=self.ledger,
            delivery=self.delivery,
            limits=self.limits,
            media=self.media,
            templates=self.templates,
        )
        if not self.people.by_id:
            self._seed_people()

    def _seed_people(self) -> None:
        """The 200 customers of the company have WhatsApp, save every fortieth; five have hands."""
        for index, row in enumerate(self.company.customers):
            self.people.add(
                phone=row["phone"], name=row["name"], on_whatsapp=index % 40 != 39, pinned=index < 4
            )
        self.people.add(phone=None, name="Bia Rocha", username="biarocha", pinned=True)
        self.store.commit()

    def number(self, pnid: str | None) -> Number:
        if pnid is None:
            return next(iter(self.numbers.values()))
        return self.numbers[pnid]

    def customer(self, key: str) -> Customer:
        found = self.people.find(key)
        if found is None:
            raise LookupError(key)
        return found

    def env(self) -> dict[str, str]:
        """What the product needs to talk to this sandbox."""
        numbers = list(self.numbers.values())
        return {
            "WHATSAPP_API_URL": f"{self.config.base_url}/graph",
            "WHATSAPP_ACCESS_TOKEN": self.config.access_token,
            "WHATSAPP_APP_SECRET": self.config.app_secret,
            "WHATSAPP_VERIFY_TOKEN": self.config.verify_token,
            "WHATSAPP_BUSINESS_ACCOUNT_ID": WABA_ID,
            "WHATSAPP_FACADE_NUMBER": "+" + numbers[0].phone,
            "WHATSAPP_PHONE_NUMBER_IDS": ",".join(n.id for n in numbers),
            "ANTHROPIC_BASE_URL": f"{self.config.base_url}/anthropic",
            "ANTHROPIC_API_KEY": "sandbox",
            "ERP_BASE_URL": f"{self.config.base_url}/erp",
            "ERP_API_KEY": self.config.erp_key,
        }

    # -- life

    async def start(self) -> None:
        self._resume()
        self._task = asyncio.create_task(self._tick())

    def _resume(self) -> None:
        for row in self.ledger.unsettled(since=time.time() - RESUME_WITHIN_S):
            number = self.numbers.get(row["pnid"])
            if number is not None:
                self.delivery.start(
                    number=number,
                    customer=self.people.find(row["customer"]),
                    address=row["customer"],
                    wamid=row["wamid"],
                    kind=row["type"],
                    category=row["category"] or "service",
                    callback=row["callback"],
                )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            self.store.commit()
            for template in self.templates.due_reviews():
                self.templates.review(template)
                self.webhooks.emit("message_template_status_update", webhook_value(template))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self.delivery.close()
        await self.webhooks.close()
        self.store.close()

    async def reset(self) -> None:
        """Forget every message, customer, template and fault; seed again."""
        await self.delivery.close()
        for name, value in Faults(status_scale=self.config.status_scale):
            setattr(self.faults, name, value)
        self.store.wipe()
        self.limits.clear()
        self.numbers.clear()
        self.numbers.update(default_numbers())
        self._load()
        for customer in list(self.ledger.touched):
            self.ledger.touched[customer] += 1
