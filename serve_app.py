"""The composition root: Settings in, Serve applications and named actors out. Wiring only.

`deploy` is what `vitrine up` calls.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import FastAPI
from ray import serve

from actors.beating import keep_beating
from actors.clock.actor import ClockActor
from actors.conversation.actor import ConversationShard
from actors.directory import CLOCK, NUMBER_POOL, SENDER, Directory, shard_name
from actors.number_pool.actor import NumberPool
from actors.parts import open_parts
from actors.sender.actor import Sender
from actors.sender.keeper import StatusKeeper
from api.address import check_exposure
from api.app import create_api
from api.deps import ApiParts
from api.webhook import WebhookParts, create_webhook
from config.ray_options import REPLICAS
from config.settings import Settings
from domain.clock import SystemClock
from jobs.seed import seed_house
from storage.house import HouseReads
from storage.human_actions import HumanActions
from storage.intake import Intake
from storage.lines import Lines
from storage.numbers_page import StoredNumbersControl
from storage.statuses import StatusStore
from telemetry.tasks import spawn

_READY_TIMEOUT_S: Final = 120.0


async def webhook_app(settings: Settings, name: str) -> FastAPI:
    """The application behind /webhook, with this replica's own connections."""
    parts = await open_parts(settings, kind="webhook", name=name)
    app = create_webhook(
        WebhookParts(
            store=Intake(parts.pool, Lines(parts.numbers)),
            secrets=parts.accounts,
            doorbell=parts.doorbell,
            statuses=StatusKeeper(
                statuses=StatusStore(parts.pool),
                doorbell=parts.doorbell,
                reports=parts.number_pool,
                tracer=parts.live,
            ),
            number_pool=parts.number_pool,
            tracer=parts.live,
            clock=SystemClock(),
        )
    )
    spawn(keep_beating(parts, kind="webhook"), name="beat")
    return app


async def api_app(settings: Settings, name: str) -> FastAPI:
    """The supervisor API and the dashboard's files."""
    parts = await open_parts(settings, kind="api", name=name)
    app = create_api(
        ApiParts(
            settings=settings,
            pool=parts.pool,
            redis=parts.redis,
            doorbell=parts.doorbell,
            human_actions=HumanActions(parts.pool),
            actors=HouseReads(parts.pool),
            numbers=StoredNumbersControl(parts.pool),
            clock=SystemClock(),
            rehearsal=is_rehearsal(settings),
            brl_per_usd=settings.usd_brl_rate,
        )
    )
    spawn(keep_beating(parts, kind="api"), name="beat")
    return app


@serve.ingress()
class Webhook:
    """One replica of Meta's door."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc] # Serve awaits it
        self._app = await webhook_app(settings, _replica_name("webhook"))

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app


@serve.ingress()
class Api:
    """One replica of the supervisor API."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc] # Serve awaits it
        self._app = await api_app(settings, _replica_name("api"))

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app


def is_rehearsal(settings: Settings) -> bool:
    """Whether the sandbox's rehearsal agent answers instead of a model; every screen says so."""
    sandbox = settings.sandbox_url
    return sandbox is not None and settings.anthropic_base_url.startswith(sandbox)


def _replica_name(kind: str) -> str:
    return f"{kind}/{serve.get_replica_context().replica_id.unique_id}"


def webhook(settings: Settings) -> serve.Application:
    """The Serve application of /webhook."""
    return _deployed(Webhook, "webhook", settings)


def api(settings: Settings) -> serve.Application:
    """The Serve application of everything else. Live feeds hold a request each for 50 s."""
    return _deployed(Api, "api", settings)


def _deployed(replica: type, kind: str, settings: Settings) -> serve.Application:
    deployment: serve.Deployment = serve.deployment(
        name=replica.__name__,
        num_replicas=1,
        max_ongoing_requests=400,
        max_queued_requests=1000,  # beyond it the proxy answers 503; Meta and programs repeat
        graceful_shutdown_timeout_s=10,
        ray_actor_options=REPLICAS[kind],
    )(replica)
    return deployment.bind(settings)


def deploy(settings: Settings) -> None:
    """Seeds, starts the named actors and both applications; returns when all of them work.

    Ray is initialised already. Repeating it changes only what differs. Raises SettingsError before
    anything is reachable that should not be.
    """
    check_exposure(settings)
    asyncio.run(_deploy(settings))


async def _deploy(settings: Settings) -> None:
    """Actors and Serve start beside each other: importing is most of it, and there are two cores."""
    await seed_house(settings)
    serving = asyncio.to_thread(_serve, settings)
    await asyncio.gather(_start_actors(settings), serving)


def _serve(settings: Settings) -> None:
    serve.start(
        http_options={"host": settings.http_host, "port": settings.http_port},
        logging_config={"enable_access_log": False},
    )
    serve.run_many(
        [
            serve.RunTarget(webhook(settings), name="webhook", route_prefix="/webhook"),
            serve.RunTarget(api(settings), name="api", route_prefix="/"),
        ]
    )


async def _start_actors(settings: Settings) -> None:
    directory = Directory()
    wanted: list[tuple[str, str, type, tuple[Any, ...]]] = [
        ("shared", shard_name(shard), ConversationShard, (settings, shard))
        for shard in range(settings.conversation_shards)
    ]
    wanted += [
        ("number_pool", NUMBER_POOL, NumberPool, (settings,)),
        ("sender", SENDER, Sender, (settings,)),
        ("clock", CLOCK, ClockActor, (settings,)),
    ]
    handles = [
        await directory.create(kind, name, shell, *arguments)
        for kind, name, shell, arguments in wanted
    ]
    async with asyncio.timeout(_READY_TIMEOUT_S):
        await asyncio.gather(*(handle.ready.remote() for handle in handles))
