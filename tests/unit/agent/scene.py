"""A turn's context and an agent over a scripted model, valid by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from agent.agent import Agent
from agent.build import build_agent
from config.settings import Settings
from domain.catalogue import Billing, KnowledgePage, Product
from domain.handoff import Silence
from domain.money import Money
from domain.reply import AgentTurn
from domain.turn_context import (
    Author,
    ContactFacts,
    ConversationFacts,
    HistoryEntry,
    PendingMessage,
    QueuedHandoff,
    TurnContext,
)
from tests.fakes.catalogue import FakeCatalogue
from tests.fakes.model_server import ScriptedModel

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=ZoneInfo("America/Sao_Paulo"))  # a Monday
HOURS = "de segunda a sexta, das 9h às 18h"
FIBRA = Product(
    sku="FIB-500", name="Plano Fibra 500", description="Internet por fibra de 500 Mega.",
    price=Money(centavos=9_990), floor=Money(centavos=8_123), billing=Billing.MONTHLY,
)  # fmt: skip
PAYING = KnowledgePage(
    title="Formas de pagamento", body="Cartão em até 12x sem juros, ou Pix com 5% de desconto."
)


class FixedClock:
    def now(self) -> datetime:
        return NOW.astimezone(UTC)


def make_context(
    *texts: str,
    history: Sequence[tuple[Author, str]] = (),
    handoff: QueuedHandoff | None = None,
    state: Mapping[str, Any] | None = None,
    score: float | None = None,
    **changes: Any,
) -> TurnContext:
    start = NOW - timedelta(minutes=len(history) + 1)
    context = TurnContext(
        company="Aurora Telecom",
        now=NOW,
        contact=ContactFacts(name="Maria", phone="+55 31 •••••-7777", consent="granted"),
        conversation=ConversationFacts(
            hours=HOURS, handoff=handoff, state=state or {}, score=score
        ),
        history=tuple(
            HistoryEntry(author=author, text=text, at=start + timedelta(minutes=n))
            for n, (author, text) in enumerate(history)
        ),
        pending=tuple(
            PendingMessage(text=text, at=NOW) for text in texts or ("Oi, quero saber do plano",)
        ),
    )
    return replace(context, **changes)


def queued(silence: Silence = Silence.NONE, position: int | None = 2) -> QueuedHandoff:
    return QueuedHandoff(reason="pediu", silence=silence, position=position)


def make_catalogue() -> FakeCatalogue:
    return FakeCatalogue([FIBRA], [PAYING])


def make_settings(**changes: Any) -> Settings:
    return Settings.model_validate(
        {
            "company_name": "Aurora Telecom",
            "anthropic_api_key": "key-1",
            "_env_file": None,
            **changes,
        }
    )


def make_agent(
    model: ScriptedModel, catalogue: FakeCatalogue | None = None, **settings: Any
) -> Agent:
    return build_agent(
        make_settings(**settings),
        catalogue or make_catalogue(),
        clock=FixedClock(),
        transport=model.transport,
    )


class Stages:
    """Collects what the agent tells while it works."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Mapping[str, object]]] = []

    def __call__(self, stage: str, detail: Mapping[str, object]) -> None:
        self.seen.append((stage, detail))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.seen]


async def answer(
    model: ScriptedModel,
    context: TurnContext | None = None,
    *,
    catalogue: FakeCatalogue | None = None,
    stages: Stages | None = None,
    **settings: Any,
) -> AgentTurn:
    """One turn over a scripted model, its connections closed afterwards."""
    agent = make_agent(model, catalogue, **settings)
    try:
        return await agent.answer(context or make_context(), on_stage=stages or Stages())
    finally:
        await agent.close()
