"""What the API is made of: its ports, handed in once and found by every route on the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Protocol
from uuid import UUID

import asyncpg
from fastapi import Depends, Request
from redis.asyncio import Redis

from config.settings import Settings
from domain.clock import Clock
from domain.content import Content
from domain.doorbell import Doorbell
from domain.ids import ConversationId, HandoffId, MessageId, OperatorId, PhysicalNumberId
from storage.audit import AuditLog
from storage.feed import Feed
from storage.idempotency import IdempotencyKeys
from storage.inbox_page import InboxPage
from storage.rate_limits import RateLimits

VERSION = "0.1.0"


class Fence(Protocol):
    """The epoch after a person's act, and what was already on its way to Meta."""

    @property
    def epoch(self) -> int: ...
    @property
    def in_flight(self) -> tuple[MessageId, ...]: ...
    @property
    def handled_up_to(self) -> int: ...


class Reply(Protocol):
    @property
    def message_id(self) -> MessageId: ...
    @property
    def fence(self) -> Fence: ...


class HumanActions(Protocol):
    """What people do to a conversation; each is one committed transaction.

    All raise domain.errors.NotFoundError or RejectedError and then changed nothing.
    """

    async def takeover(self, conversation_id: ConversationId, operator_id: OperatorId) -> Fence: ...
    async def hand_back(
        self, conversation_id: ConversationId, operator_id: OperatorId, handled_up_to: int | None
    ) -> Fence: ...
    async def reply(
        self, conversation_id: ConversationId, operator_id: OperatorId, content: Content
    ) -> Reply: ...
    async def assign(
        self, conversation_id: ConversationId, operator_id: OperatorId, to: OperatorId
    ) -> Fence: ...
    async def close(
        self, conversation_id: ConversationId, operator_id: OperatorId, reason: str
    ) -> Fence: ...
    async def escalate(
        self, conversation_id: ConversationId, *, by: str, reason: str, priority: str
    ) -> HandoffId: ...
    async def note(
        self, conversation_id: ConversationId, operator_id: OperatorId, text: str
    ) -> object: ...
    async def whisper(
        self, conversation_id: ConversationId, operator_id: OperatorId, text: str
    ) -> object: ...
    async def qualify(
        self, conversation_id: ConversationId, operator_id: OperatorId, score: float
    ) -> object: ...
    async def schedule(
        self, conversation_id: ConversationId, operator_id: OperatorId, at: datetime, subject: str
    ) -> object: ...


class ActorsReader(Protocol):
    """Where conversations live now; `storage.house.HouseReads` reads it from the actors' beats."""

    async def list_actors(self) -> Sequence[dict[str, Any]]: ...
    async def find_actor_of(self, conversation_id: UUID) -> dict[str, Any] | None: ...
    async def count_shards(self) -> tuple[int, int]: ...


class NumbersControl(Protocol):
    """Raises domain.errors.NotFoundError or RejectedError."""

    async def drain(self, phone_number_id: PhysicalNumberId, operator_id: OperatorId) -> None: ...
    async def activate(
        self, phone_number_id: PhysicalNumberId, operator_id: OperatorId
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """`redis` may be None: no live feed and no rate limits then, and nothing else is missing.

    Its socket timeout must be None or longer than 3 s (the feed waits for events).
    """

    settings: Settings
    pool: asyncpg.Pool[Any]
    redis: Redis | None
    doorbell: Doorbell
    human_actions: HumanActions
    actors: ActorsReader
    numbers: NumbersControl
    clock: Clock
    # No real model answers: the sandbox's rehearsal agent does, and every screen says so.
    rehearsal: bool = False
    # What a dollar's worth of model costs in reais; an estimate for screens, never an invoice.
    brl_per_usd: Decimal = Decimal("5.50")
    feed_life: timedelta = timedelta(seconds=50)  # proxies cut silent streams at 60 s
    dashboard_dist: Path = Path(__file__).parent.parent / "dashboard" / "dist"
    feed: Feed = field(init=False)
    limits: RateLimits = field(init=False)
    audit: AuditLog = field(init=False)
    keys: IdempotencyKeys = field(init=False)
    inbox: InboxPage = field(init=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "feed", Feed(self.redis))
        put(self, "limits", RateLimits(self.redis))
        put(self, "audit", AuditLog(self.pool))
        put(self, "keys", IdempotencyKeys(self.pool))
        put(
            self,
            "inbox",
            InboxPage(self.pool, quiet=timedelta(seconds=self.settings.quiet_period_s)),
        )


def parts_of(request: Request) -> ApiParts:
    parts: ApiParts = request.app.state.parts
    return parts


Parts = Annotated[ApiParts, Depends(parts_of)]
