"""What every actor process opens once: pool, Redis, HTTP; and the ports made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import ray
from redis.asyncio import Redis

from actors.directory import Directory, RemoteNumberPool, ShardDoorbell
from actors.sender.channels import AccountChannels
from actors.sender.core import SendCore
from config.ray_options import POOL_SIZES
from config.settings import Settings
from domain.clock import SystemClock
from domain.scale import MOST, Part
from integrations.whatsapp.client import GraphClient, open_http
from storage.accounts import Accounts
from storage.actor_rows import ActorRows
from storage.feed import Feed
from storage.live import Live
from storage.numbers import NumberStore
from storage.outbox import Outbox
from storage.pace import Pace, Senders
from storage.pool import open_pool
from storage.sealing import Seal
from telemetry import failpoints
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
    senders: Senders
    place: Mapping[str, Any]

    def sender(self) -> SendCore:
        return SendCore(
            outbox=Outbox(self.pool),
            pace=Pace(self.redis, senders=self.senders),
            channels=self.channels,
            reports=self.number_pool,
            tracer=self.live,
            name=self.name,
        )

    async def close(self) -> None:
        await self.http.aclose()
        await self.redis.aclose()
        await self.pool.close()


def most_senders(settings: Settings) -> int:
    """As many processes may send; what is assumed until the first beat says how many do."""
    return MOST[Part.SHARDS] + settings.dedicated_actors_max + 1


async def open_parts(settings: Settings, *, kind: str, name: str) -> Parts:
    """Opens a process's connections. Raises when PostgreSQL is away: who opens starts again."""
    configure_logging(json=True)
    failpoints.watch(settings.failpoints_dir, process=name)
    assert settings.database_url is not None  # noqa: S101 - `vitrine up` fills them in
    assert settings.redis_url is not None  # noqa: S101
    pool = await open_pool(
        settings.database_url.get_secret_value(),
        size=POOL_SIZES[kind],
        name=name,
        plan_once=kind
        != "api",  # its lists have optional filters, which a general plan serves badly
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
        senders=Senders(live=most_senders(settings)),
        place={"name": name, "node": context.get_node_id()[:12], "pid": os.getpid()},
    )
