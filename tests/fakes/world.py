"""Fakes of a conversation's ports other than its store: an agent, a number pool, a Graph, a tracer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from actors.conversation.ports import House, NumberChoice, Ports
from actors.conversation.turn_gate import TurnGate
from actors.sender.core import SendCore
from domain.content import Content, text_of
from domain.doorbell import Ring
from domain.ids import ConversationId, PhysicalNumberId, new_id
from domain.ownership import Host
from domain.reply import AgentTurn, ModelCall, Outcome, Reply
from domain.turn_context import TurnContext
from integrations.whatsapp.failures import SendFailure
from integrations.whatsapp.outbound import Recipient
from integrations.whatsapp.reports import SendResult
from storage.conversations import ConversationStore
from storage.merge import Merges
from storage.outbox import Outbox
from tests.factories import make_rules


@dataclass
class ScriptedAgent:
    """Answers with the pending texts; `gate` holds the answer back until it is set."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[list[str]] = field(default_factory=list)
    cancelled: int = 0
    change: Callable[[AgentTurn], AgentTurn] = lambda turn: turn

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(
        self, context: TurnContext, *, on_stage: Callable[[str, Mapping[str, object]], None]
    ) -> AgentTurn:
        texts = [p.text for p in context.pending]
        self.asked.append(texts)
        on_stage("model.called", {"model": "scripted"})
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        message = "resposta a: " + " | ".join(texts)
        call = ModelCall(model="scripted", input_tokens=10, output_tokens=5, cost_micros=7)
        return self.change(
            AgentTurn(
                reply=Reply(message=message, qualification_score=0.5),
                bubbles=(message,),
                outcome=Outcome.ANSWERED,
                model_calls=(call,),
            )
        )


@dataclass
class FakeGraph:
    """A channel and its own directory: accepts everything, or raises what `fail_with` holds next."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    fail_with: list[Exception] = field(default_factory=list)
    typing: list[str] = field(default_factory=list)
    before_answer: Callable[[str], None] = lambda callback: None

    async def of(self, phone_number_id: PhysicalNumberId) -> FakeGraph:
        return self

    async def send_message(
        self,
        phone_number_id: str,
        to: Recipient,
        content: Content,
        callback_data: str,
        reply_to: str | None = None,
    ) -> SendResult:
        if self.fail_with:
            raise self.fail_with.pop(0)
        self.sent.append((phone_number_id, text_of(content), callback_data))
        self.before_answer(callback_data)
        return SendResult(wamid=f"wamid.OUT{callback_data}", wa_id=to.phone)

    async def mark_read_and_typing(self, phone_number_id: str, wamid: str, *, typing: bool) -> None:
        self.typing.append(wamid)

    @property
    def texts(self) -> list[str]:
        return [text for _, text, _ in self.sent]


class NoPace:
    async def wait_for(
        self,
        *,
        phone_number_id: str,
        contact: str,
        messages_per_second: int,
        business_initiated: bool,
    ) -> timedelta:
        return timedelta(0)


@dataclass
class FakePool:
    """The NumberPool of a test: keeps the number the contact wrote to."""

    refusals: list[tuple[str, int | None]] = field(default_factory=list)

    async def choose(
        self,
        conversation_id: ConversationId,
        *,
        traffic_class: str,
        written_to: PhysicalNumberId | None,
    ) -> NumberChoice | None:
        if written_to is None:
            return None
        return NumberChoice(phone_number_id=written_to, reason="o cliente escreveu para ele")

    def refused(
        self, phone_number_id: PhysicalNumberId, failure: SendFailure, *, code: int | None
    ) -> None:
        self.refusals.append((phone_number_id, code))


@dataclass
class ListTracer:
    stages: list[str] = field(default_factory=list)

    def trace(
        self,
        stage: str,
        conversation_id: UUID,
        *,
        message_id: UUID | None = None,
        turn_id: UUID | None = None,
        ms: float | None = None,
        **detail: object,
    ) -> None:
        self.stages.append(stage)

    def message(self, conversation_id: UUID, message_id: UUID) -> None: ...

    def conversation(self, conversation_id: UUID) -> None: ...


@dataclass
class ListDoorbell:
    rings: list[Ring] = field(default_factory=list)

    async def ring(self, rings: Sequence[Ring]) -> None:
        self.rings += rings


@dataclass
class World:
    """Everything around one or more cores: real stores on `pool`, fakes for the outside."""

    pool: asyncpg.Pool
    agent: ScriptedAgent = field(default_factory=ScriptedAgent)
    graph: FakeGraph = field(default_factory=FakeGraph)
    numbers: FakePool = field(default_factory=FakePool)
    tracer: ListTracer = field(default_factory=ListTracer)
    doorbell: ListDoorbell = field(default_factory=ListDoorbell)
    rules: dict[str, Any] = field(default_factory=dict)
    host: Host = field(
        default_factory=lambda: Host(name="conversations/0", incarnation=new_id(), shard=0)
    )
    turns: TurnGate = field(default_factory=lambda: TurnGate(100))

    def sender(self) -> SendCore:
        return SendCore(
            outbox=Outbox(self.pool),
            pace=NoPace(),
            channels=self.graph,
            reports=self.numbers,
            tracer=self.tracer,
            name="test",
        )

    def ports(self) -> Ports:
        sender = self.sender()
        return Ports(
            merges=Merges(self.pool),
            doorbell=self.doorbell,
            conversations=ConversationStore(self.pool, host=self.host.name),
            agent=self.agent,
            dispatcher=sender,
            presence=sender,
            numbers=self.numbers,
            tracer=self.tracer,
            house=House(
                company="Loja Exemplo",
                timezone="America/Sao_Paulo",
                hours="das 9h às 18h",
                rules=make_rules(**self.rules),
            ),
            host=self.host,
            place={"name": "test", "node": "n", "pid": 1},
            turns=self.turns,
        )
