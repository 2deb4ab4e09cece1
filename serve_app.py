"""The composition root: Settings in, Serve applications and named actors out. Wiring only.

`deploy` is what `vitrine up` calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import asyncpg
import structlog
from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from starlette.applications import Starlette

from actors.beating import keep_beating
from actors.clock.actor import ClockActor
from actors.directory import CLOCK, NUMBER_POOL, SENDER, Directory
from actors.number_pool.actor import NumberPool
from actors.parts import open_parts
from actors.rounds import every
from actors.scaling.core import Scaling
from actors.scaling.replicas import Replicas
from actors.scaling.shards import Shards
from actors.sender.actor import Sender
from actors.sender.keeper import StatusKeeper
from api.address import check_exposure
from api.app import create_api
from api.deps import ApiParts
from api.webhook import WebhookParts, create_webhook
from config.ray_options import POOL_SIZES, REPLICAS
from config.settings import Settings
from domain.clock import SystemClock
from domain.errors import TransientError
from domain.scale import Part, Scale
from jobs.seed import seed_house
from storage.actor_rows import ActorRows
from storage.house import HouseReads
from storage.human_actions import HumanActions
from storage.intake import Intake
from storage.lines import Lines
from storage.numbers_page import StoredNumbersControl
from storage.pool import open_pool
from storage.scale import ScaleStore
from storage.statuses import StatusStore
from telemetry.tasks import spawn

log = structlog.get_logger()

_READY_TIMEOUT_S: Final = 120.0
_SCALE_EVERY_S: Final = 2.0
_STRAYS_EVERY_S: Final = 30.0


async def webhook_app(settings: Settings, name: str) -> Starlette:
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
            rehearsal=settings.is_rehearsal,
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

    def __serve_build_asgi_app__(self) -> Starlette:
        return self._app


@serve.ingress()
class Api:
    """One replica of the supervisor API."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc] # Serve awaits it
        self._app = await api_app(settings, _replica_name("api"))

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app


def _replica_name(kind: str) -> str:
    return f"{kind}/{serve.get_replica_context().replica_id.unique_id}"


def webhook(settings: Settings, replicas: int = 1) -> serve.Application:
    """The Serve application of /webhook."""
    return _deployed(Webhook, "webhook", settings, replicas)


def api(settings: Settings, replicas: int = 1) -> serve.Application:
    """The Serve application of everything else. Live feeds hold a request each for 50 s."""
    return _deployed(Api, "api", settings, replicas)


def _deployed(replica: type, kind: str, settings: Settings, replicas: int) -> serve.Application:
    deployment: serve.Deployment = serve.deployment(
        name=replica.__name__,
        num_replicas=replicas,
        max_ongoing_requests=400,
        # A rolling update starts the new replica before the old one stops, also when there is one.
        max_surge_percent=100,
        max_queued_requests=1000,  # beyond it the proxy answers 503; Meta and programs repeat
        graceful_shutdown_timeout_s=10,
        ray_actor_options=REPLICAS[kind],
    )(replica)
    return deployment.bind(settings)


def deploy(settings: Settings) -> dict[Part, Scale]:
    """Seeds, starts the named actors and both applications; returns when all of them work.

    The answer is the scale it deployed. Ray is initialised already; actors that live are kept.
    Raises SettingsError before anything is reachable that should not be.
    """
    check_exposure(settings)
    return asyncio.run(_deploy(settings))


async def keep_scale(
    settings: Settings, deployed: Mapping[Part, Scale], *, dashboard_url: str, token: str
) -> None:
    """Carries out every change of scale, until cancelled. A round that fails is done again."""
    async with _own_pool(settings) as pool:
        shards = Shards(settings, ActorRows(pool), Directory())
        scaling = Scaling(
            wishes=ScaleStore(pool),
            shards=shards,
            replicas=Replicas(dashboard_url, token),
            redeploy=lambda scale: asyncio.to_thread(serve.run_many, [_target(settings, scale)]),
            deployed=deployed,
        )
        async with asyncio.TaskGroup() as rounds:
            for part in Part:  # a part that cannot be had now holds up no other
                step = functools.partial(scaling.step, part)
                _ = rounds.create_task(_rounds(_SCALE_EVERY_S, step, name=f"scale {part}"))
            _ = rounds.create_task(_rounds(_STRAYS_EVERY_S, shards.end_strays, name="strays"))


async def _rounds(seconds: float, step: Callable[[], Awaitable[object]], *, name: str) -> None:
    """As `every`, and rides out what Ray, Serve and a slow process may answer."""

    async def ridden() -> None:
        try:
            await step()
        except (RayError, RayServeException, TransientError, RuntimeError) as error:
            log.warning(
                "round.missed", step=name, error=type(error).__name__, detail=str(error)[:300]
            )

    await every(seconds, ridden, name=name)


async def _deploy(settings: Settings) -> dict[Part, Scale]:
    """Actors and Serve start beside each other: importing is most of it, and there are two cores."""
    await seed_house(settings)
    async with _own_pool(settings) as pool:
        parts = await ScaleStore(pool).list_parts()
        serving = asyncio.to_thread(_serve, settings, parts)
        await asyncio.gather(_start_actors(settings, pool), serving)
    return parts


@contextlib.asynccontextmanager
async def _own_pool(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    """The connection of the process that deploys."""
    assert settings.database_url is not None  # noqa: S101 - `vitrine up` fills it in
    dsn = settings.database_url.get_secret_value()
    pool = await open_pool(dsn, size=POOL_SIZES["scaling"], name="scaling")
    try:
        yield pool
    finally:
        await pool.close()


def _serve(settings: Settings, parts: Mapping[Part, Scale]) -> None:
    serve.start(
        http_options={"host": settings.http_host, "port": settings.http_port},
        logging_config={"enable_access_log": False},
    )
    serve.run_many([_target(settings, parts[part]) for part in (Part.WEBHOOK, Part.API)])


def _target(settings: Settings, scale: Scale) -> serve.RunTarget:
    """Deploying it again replaces the application's replicas by new ones, which read the code anew."""
    build, route = {Part.WEBHOOK: (webhook, "/webhook"), Part.API: (api, "/")}[scale.part]
    return serve.RunTarget(
        build(settings, scale.wanted),
        name=scale.part,
        route_prefix=route,
        external_scaler_enabled=True,  # what lets Serve's REST interface change the count alone
    )


async def _start_actors(settings: Settings, pool: asyncpg.Pool) -> None:
    """The shards are those the table names: the setting spoke once, `vitrine scale` after it."""
    directory = Directory()
    rows = ActorRows(pool)
    others = [
        (NUMBER_POOL, NumberPool),
        (SENDER, Sender),
        (CLOCK, ClockActor),
    ]
    handles = [await directory.create(name, name, shell, settings) for name, shell in others]
    shards = Shards(settings, rows, directory).start(sorted(set(await rows.list_buckets())))
    async with asyncio.timeout(_READY_TIMEOUT_S):
        await asyncio.gather(shards, *(handle.ready.remote() for handle in handles))
