"""What the API is made of: its ports, handed in once and found by every route on the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Protocol
from uuid import UUID

import asyncpg
from fastapi import Depends, Request
from redis.asyncio import Redis

from config.settings import Settings
from domain.clock import Clock
from domain.doorbell import Doorbell
from domain.ids import OperatorId, PhysicalNumberId
from storage.audit import AuditLog
from storage.feed import Feed
from storage.human_actions import HumanActions
from storage.idempotency import IdempotencyKeys
from storage.inbox_page import InboxPage
from storage.rate_limits import RateLimits
from storage.scale import ScaleStore

VERSION = "0.1.0"


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
    scale: ScaleStore = field(init=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "feed", Feed(self.redis))
        put(self, "limits", RateLimits(self.redis))
        put(self, "audit", AuditLog(self.pool))
        put(self, "keys", IdempotencyKeys(self.pool))
        put(self, "scale", ScaleStore(self.pool))
        put(
            self,
            "inbox",
            InboxPage(self.pool, quiet=timedelta(seconds=self.settings.quiet_period_s)),
        )


def parts_of(request: Request) -> ApiParts:
    parts: ApiParts = request.app.state.parts
    return parts


Parts = Annotated[ApiParts, Depends(parts_of)]
