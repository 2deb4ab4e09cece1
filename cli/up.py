"""`vitrine up`: starts everything this checkout needs, in order, and keeps it running until told."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

import httpx
from pydantic import SecretStr

from api.address import check_exposure
from cli import family, preflight
from cli.banner import banner, working_logins
from cli.checkout import Checkout, RunRecord
from cli.child import ROOT
from cli.dashboard_build import BuildFailedError, DashboardBuild
from cli.ports import choose_ports
from cli.services import RayService, SandboxService, ray_token
from cli.steps import Steps, seconds
from cli.supervision import Supervisor
from config.generated import sandbox_addresses
from config.settings import Settings, load_settings, plain
from domain.errors import TransientError
from storage.embedded.given import check_postgres, check_redis
from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.valkey import EmbeddedValkey
from storage.house import HouseReads
from storage.migrate import migrate
from storage.pool import open_pool

READY_S: Final = 120.0
LOOK_EVERY_S: Final = 0.5


def up(steps: Steps) -> None:
    """Blocks until SIGINT or SIGTERM. Raises a VitrineError, everything stopped, when it cannot start."""
    checkout, settings = _prepare(steps)
    supervisor = Supervisor(steps.say)
    _stop_on_signals(supervisor.stopping)
    family.adopt_orphans()
    try:
        ended = family.end_all(family.leftovers(checkout))
        if ended:
            steps.warn(f"{ended} processos de uma execução interrompida foram encerrados")
        _run(steps, supervisor, checkout, settings)
    finally:
        began = time.perf_counter()
        steps.console.print("\nparando …", highlight=False)
        supervisor.stop()
        family.end_all(family.descendants())
        checkout.remove_record()
        checkout.unlock()
        steps.say(f"tudo parado em {seconds(time.perf_counter() - began)}; os dados ficaram")


def _prepare(steps: Steps) -> tuple[Checkout, Settings]:
    with steps.step("Configurações", done="lidas"):
        settings = load_settings()
        check_exposure(settings)
        checkout = Checkout(settings.data_dir)
        checkout.lock()
        for warning in preflight.check(preflight.look(checkout.folder)):
            steps.warn(warning)
    return checkout, settings


def _run(steps: Steps, supervisor: Supervisor, checkout: Checkout, settings: Settings) -> None:
    began = time.perf_counter()
    settings = _stores(steps, supervisor, settings)
    _migrate(steps, settings)
    build_dashboard(steps, checkout)
    ports = choose_ports(settings)
    if settings.sandbox_on:
        url = f"http://127.0.0.1:{ports.sandbox}"
        settings = settings.model_copy(update=sandbox_addresses(settings, url))
        with steps.step("Sandbox (Meta, modelo e ERP de ensaio)"):
            supervisor.start(SandboxService(settings, ports, checkout))
    ray = RayService(settings, ports, checkout, _report(steps))
    with steps.step("Ray e aplicações", done="prontos"):
        supervisor.start(ray)
    with steps.step("Vitrine"):
        wait_ready(ports.http, supervisor.stopping)
    checkout.write_record(
        RunRecord(
            pid=os.getpid(),
            url=f"http://127.0.0.1:{ports.http}",
            sandbox_url=settings.sandbox_url if settings.sandbox_on else None,
            ray_dashboard_url=ray.dashboard_url,
            database_url=plain(settings.database_url),
            redis_url=plain(settings.redis_url),
        )
    )
    base = f"http://127.0.0.1:{ports.http}"
    lines = banner(
        settings,
        ports,
        ray_url=ray.dashboard_url,
        ray_token=ray_token(checkout),
        logins=working_logins(settings, base),
        shards=ray.shards,
        hosts=asyncio.run(_hosts(plain(settings.database_url))),
        resident=family.resident_bytes(),
    )
    steps.console.rule("Vitrine", align="left")
    for line in lines:
        steps.console.print(line, soft_wrap=True)
    steps.console.rule()
    steps.say(f"pronto em {seconds(time.perf_counter() - began)}; Ctrl-C para tudo")
    while not supervisor.stopping.wait(LOOK_EVERY_S):
        supervisor.tick()
        family.reap_adopted()


def _stores(steps: Steps, supervisor: Supervisor, settings: Settings) -> Settings:
    """The servers a person gave, checked, or our own, started; settings that point at them."""
    found: dict[str, SecretStr] = {}
    if settings.database_url is not None:
        with steps.step("PostgreSQL (DATABASE_URL)", done="verificado"):
            asyncio.run(check_postgres(settings.database_url.get_secret_value()))
    else:
        postgres = EmbeddedPostgres(settings.data_dir)
        with steps.step("PostgreSQL"):
            supervisor.start(postgres)
        found["database_url"] = SecretStr(postgres.dsn())
    if settings.redis_url is not None:
        with steps.step("Redis (REDIS_URL)", done="verificado"):
            asyncio.run(check_redis(settings.redis_url.get_secret_value()))
    else:
        valkey = EmbeddedValkey(settings.data_dir)
        with steps.step("Valkey"):
            supervisor.start(valkey)
        found["redis_url"] = SecretStr(valkey.url())
    return settings.model_copy(update=found)


async def _hosts(dsn: str) -> list[tuple[str, int]]:
    """(kind, conversations) of each actor that reports."""
    pool = await open_pool(dsn, size=1, name="up")
    try:
        actors = await HouseReads(pool).list_actors()
    finally:
        await pool.close()
    return [(actor["kind"], actor["resident_count"]) for actor in actors]


def _migrate(steps: Steps, settings: Settings) -> None:
    with steps.step("Esquema do banco", done="em dia"):
        asyncio.run(migrate(plain(settings.database_url), steps.say))


def build_dashboard(steps: Steps, checkout: Checkout) -> None:
    """Builds the dashboard if its sources changed; what fails is one line and nothing more."""
    build = DashboardBuild(ROOT / "dashboard", checkout.logs / "dashboard.log")
    if not build.exists() or build.is_current():
        return
    size = build.download_mb()
    download = f"perto de {size} MB de download desta vez" if size else "sem download"
    steps.say(f"o painel será construído (só quando muda): {download}")
    try:
        with steps.step("Painel", done="construído"):
            build.build()
    except BuildFailedError as failure:
        steps.warn(f"{failure}; a API e a página do telefone funcionam sem ele")


def wait_ready(port: int, stopping: threading.Event) -> None:
    """Returns when `GET /readyz` says ready. Raises TransientError after 120 s, or when stopping."""
    deadline = time.monotonic() + READY_S
    last = "sem resposta"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5, trust_env=False) as client:
        while time.monotonic() < deadline and not stopping.is_set():
            try:
                answer = client.get("/readyz")
                if answer.is_success:
                    return
                last = f"HTTP {answer.status_code} {answer.text[:300]}"
            except httpx.HTTPError as error:
                last = type(error).__name__
            stopping.wait(0.2)
    if stopping.is_set():
        raise TransientError("a partida foi interrompida")
    raise TransientError(f"/readyz não ficou pronto em {READY_S:.0f} s: {last}")


def _stop_on_signals(stopping: threading.Event) -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, lambda *_: stopping.set())


def _report(steps: Steps) -> Callable[[str, float], None]:
    words = {"ray": "Ray pronto", "deployed": "aplicações no ar"}

    def told(event: str, took: float) -> None:
        steps.say(f"  {words[event]} em {seconds(took)}")

    return told
