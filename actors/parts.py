"""What every actor process opens once: pool, Redis, HTTP, the agent; and the ports made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import ray
from redis.asyncio import Redis

from actors.conversation.ports import House, Ports
from actors.directory import Directory, RemoteNumberPool, ShardDoorbell
from actors.sender.channels import AccountChannels
from actors.sender.core import SendCore
from agent.build import build_agent
from agent.playbook import load_playbook
from config import limits
from config.ray_options import POOL_SIZES
from config.settings import Settings
from domain.clock import SystemClock
from domain.consent import ConsentRule
from domain.conversation import TurnRules
from domain.turn import QuietRule
from integrations.whatsapp.client import GraphClient, open_http
from storage.accounts import Accounts
from storage.actor_rows import ActorRows
from storage.catalogue import CatalogueStore
from storage.conversations import ConversationStore
from storage.feed import Feed
from storage.live import Live
from storage.numbers import NumberStore
from storage.outbox import Outbox
from storage.pace import Pace
from storage.pool import open_pool
from storage.sealing import Seal
from telemetry.logs import configure_logging


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One process's connections. Close them with `close`."""

    settings: Settings
    name: str
    pool: asyncpg.Pool
    redis: Redis
    http: httpx.AsyncClient
    live: Live
    directory: Directory
    doorbell: ShardDoorbell
    number_pool: RemoteNumberPool
    numbers: NumberStore
    accounts: Accounts
    channels: AccountChannels
    actor_rows: ActorRows
    place: Mapping[str, Any]

    def sender(self) -> SendCore:
        return SendCore(
            outbox=Outbox(self.pool),
            pace=Pace(self.redis, senders=self.settings.conversation_shards + 1),
            channels=self.channels,
            reports=self.number_pool,
            tracer=self.live,
            name=self.name,
        )

    def conversation_ports(self) -> Ports:
        """Everything a conversation's core needs, made of this process's connections."""
        sender = self.sender()
        return Ports(
            conversations=ConversationStore(self.pool),
            agent=build_agent(self.settings, CatalogueStore(self.pool)),
            dispatcher=sender,
            presence=sender,
            numbers=self.number_pool,
            tracer=self.live,
            house=house_of(self.settings),
            place=self.place,
        )

    async def close(self) -> None:
        await self.http.aclose()
        await self.redis.aclose()
        await self.pool.close()


async def open_parts(settings: Settings, *, kind: str, name: str) -> Parts:
    """Opens a process's connections. Raises when PostgreSQL is away: Ray starts the actor again."""
    configure_logging(json=True)
    assert settings.database_url is not None  # noqa: S101 - `vitrine up` fills them in
    assert settings.redis_url is not None  # noqa: S101
    pool = await open_pool(
        settings.database_url.get_secret_value(), size=POOL_SIZES[kind], name=name
    )
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    http = open_http()
    clock = SystemClock()
    numbers = NumberStore(pool)
    key = settings.data_key.get_secret_value() if settings.data_key is not None else ""
    accounts = Accounts(numbers, Seal(key))
    graph = GraphClient(
        http, base_url=settings.whatsapp_api_url, version=settings.whatsapp_api_version, token=""
    )
    directory = Directory()
    rows = ActorRows(pool)
    context = ray.get_runtime_context()
    return Parts(
        settings=settings,
        name=name,
        pool=pool,
        redis=redis,
        http=http,
        live=Live(Feed(redis), clock),
        directory=directory,
        doorbell=ShardDoorbell(directory, rows.list_buckets),
        number_pool=RemoteNumberPool(directory),
        numbers=numbers,
        accounts=accounts,
        channels=AccountChannels(accounts, graph),
        actor_rows=rows,
        place={"name": name, "node": context.get_node_id()[:12], "pid": os.getpid()},
    )


def house_of(settings: Settings) -> House:
    """The deployment's constants, as the turn loop reads them."""
    return House(
        company=settings.company_name,
        timezone=settings.timezone,
        hours=load_playbook("sales").business_hours.text,
        rules=TurnRules(
            quiet=QuietRule(base=timedelta(seconds=settings.quiet_period_s), cap=limits.QUIET_CAP),
            consent=ConsentRule(settings.ai_consent),
            late_after=limits.LATE_EVENT_AGE,
        ),
    )
