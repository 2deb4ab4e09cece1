"""What a conversation's core needs from the world; the shells hand in the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from actors.conversation.turn_gate import TurnGate
from config.limits import TURNS_AT_ONCE
from domain.commit import Commit, CommitResult, TurnRecord
from domain.conversation import Conversation, TurnRules
from domain.doorbell import Doorbell
from domain.ids import ConversationId, PhysicalNumberId
from domain.outbox import Lane
from domain.ownership import Host
from domain.reply import AgentTurn
from domain.turn_context import TurnContext


class Conversations(Protocol):
    async def load(self, conversation_id: ConversationId) -> Conversation: ...
    async def commit(self, commit: Commit) -> CommitResult: ...
    async def is_stale(self, conversation: Conversation, up_to: int) -> tuple[bool, bool]: ...
    async def record_turn(self, conversation: Conversation, turn: TurnRecord) -> None: ...
    async def leave_waiting(self, conversation_id: ConversationId, seqs: Sequence[int]) -> None: ...
    async def count_failure(self, conversation_id: ConversationId) -> None: ...


class MergedAway(Protocol):
    """Raises NotFoundError."""

    async def gather(self, conversation_id: ConversationId) -> ConversationId: ...


class AnsweringAgent(Protocol):
    async def answer(
        self, context: TurnContext, *, on_stage: Callable[[str, Mapping[str, object]], None]
    ) -> AgentTurn: ...


class Dispatcher(Protocol):
    """Sends what this conversation has waiting; True when it filed an event. See SendCore."""

    async def dispatch(self, conversation_id: ConversationId, lane: Lane | None = None) -> bool: ...
    def is_sending(self) -> bool: ...


class Presence(Protocol):
    """Read marks and the typing sign; a courtesy that never fails the turn."""

    async def show_typing(
        self, phone_number_id: PhysicalNumberId, wamid: str, *, typing: bool
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChoice:
    phone_number_id: PhysicalNumberId
    reason: str


class NumberChooser(Protocol):
    """The NumberPool as seen from a conversation; None when it cannot be reached now."""

    async def choose(
        self,
        conversation_id: ConversationId,
        *,
        traffic_class: str,
        written_to: PhysicalNumberId | None,
    ) -> NumberChoice | None: ...


class Tracer(Protocol):
    def trace(
        self,
        stage: str,
        conversation_id: UUID,
        *,
        message_id: UUID | None = None,
        turn_id: UUID | None = None,
        ms: float | None = None,
        **detail: object,
    ) -> None: ...
    def message(self, conversation_id: UUID, message_id: UUID) -> None: ...
    def conversation(self, conversation_id: UUID) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What is the same for every conversation of this deployment."""

    company: str
    timezone: str
    hours: str
    rules: TurnRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    conversations: Conversations
    merges: MergedAway
    doorbell: Doorbell
    agent: AnsweringAgent
    dispatcher: Dispatcher
    presence: Presence
    numbers: NumberChooser
    tracer: Tracer
    house: House
    #: The start of the actor this runs in, as the owner lease knows it.
    host: Host
    #: {name, node, pid} of the Ray actor, as the journal and the screens show it.
    place: Mapping[str, Any]
    turns: TurnGate = field(default_factory=lambda: TurnGate(TURNS_AT_ONCE))
