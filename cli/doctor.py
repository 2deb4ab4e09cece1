"""`vitrine doctor`: says what is in order and what is not, changing nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from cli import preflight
from cli.checkout import Checkout, RunRecord
from cli.child import ROOT
from cli.dashboard_build import DashboardBuild, find_node
from cli.ports import check_http_port
from config.settings import Settings, load_settings, plain
from domain.errors import VitrineError
from storage.embedded.given import check_postgres, check_redis
from storage.embedded.postgres_files import locate, wheel_major
from storage.invariants import Invariants
from storage.pool import AWAY, open_pool
from telemetry.invariants import INVARIANTS, Finding as Judged, InvariantName


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    what: str
    ok: bool
    detail: str


def examine() -> list[Finding]:
    """Every check once, in the order of a start; one that fails does not hide the next."""
    found: list[Finding] = []
    settings = _examine_settings(found)
    if settings is None:
        return found
    checkout = Checkout(settings.data_dir)
    running = checkout.running()
    _try(found, "Máquina", lambda: _machine(checkout, is_running=running is not None))
    _try(found, "Porta HTTP", lambda: _http_port(settings, running))
    _try(found, "PostgreSQL", lambda: _postgres(settings, running))
    _try(found, "Redis", lambda: _redis(settings, running))
    _try(found, "Painel", _dashboard)
    found += _promises(settings, running)
    found.append(
        Finding(
            what="Vitrine", ok=True, detail=f"rodando em {running.url}" if running else "parado"
        )
    )
    return found


def _examine_settings(found: list[Finding]) -> Settings | None:
    try:
        settings = load_settings()
    except VitrineError as refusal:
        found.append(Finding(what="Configurações", ok=False, detail=str(refusal)))
        return None
    mode = "sandbox" if settings.sandbox_on else "servindo a Meta"
    found.append(Finding(what="Configurações", ok=True, detail=mode))
    return settings


def _try(found: list[Finding], what: str, check: Callable[[], str]) -> None:
    try:
        found.append(Finding(what=what, ok=True, detail=check()))
    except VitrineError as refusal:
        found.append(Finding(what=what, ok=False, detail=str(refusal)))


def _machine(checkout: Checkout, *, is_running: bool) -> str:
    machine = preflight.look(checkout.folder)
    warnings = [] if is_running else preflight.check(machine)
    return "; ".join([
        f"Python {machine.python[0]}.{machine.python[1]}",
        f"{preflight.gigabytes(machine.memory)} de memória livre",
        f"{preflight.gigabytes(machine.disk)} livres em disco",
        *warnings,
    ])  # fmt: skip


def _http_port(settings: Settings, running: RunRecord | None) -> str:
    if running is not None:
        return running.url
    check_http_port(settings)
    return (
        str(settings.http_port)
        if settings.http_port_given
        else f"{settings.http_port} ou a próxima livre"
    )


def _postgres(settings: Settings, running: RunRecord | None) -> str:
    given = plain(settings.database_url)
    if given:
        return f"{asyncio.run(check_postgres(given))} (DATABASE_URL)"
    if running is not None:
        return f"{asyncio.run(check_postgres(running.database_url))}, embutido"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    files = locate(settings.data_dir)
    user = "" if files.user is None else f", como {files.user.name}"
    return f"embutido ({wheel_major()}), parado; dados em {files.data}{user}"


def _redis(settings: Settings, running: RunRecord | None) -> str:
    given = plain(settings.redis_url)
    if given:
        return f"{asyncio.run(check_redis(given))} (REDIS_URL)"
    if running is not None:
        return f"{asyncio.run(check_redis(running.redis_url))}, embutido"
    return "Valkey embutido, parado"


def _promises(settings: Settings, running: RunRecord | None) -> list[Finding]:
    """What must always be true, asked of the database now; the whole audit chain included."""
    dsn = plain(settings.database_url) or (running.database_url if running else None)
    what = "Invariantes"
    if not dsn:
        return [Finding(what=what, ok=True, detail="só se verificam com o Vitrine no ar")]
    try:
        judged = asyncio.run(_judge(dsn))
    except (*AWAY, asyncpg.UndefinedTableError) as error:
        detail = f"não foi possível verificar ({type(error).__name__}): confira o PostgreSQL acima"
        return [Finding(what=what, ok=False, detail=detail)]
    if running is None:
        # With a database elsewhere and nothing running here, silent actors are no news.
        judged = [one for one in judged if one.name is not InvariantName.ACTOR_SILENT]
    return explain(judged)


async def _judge(dsn: str) -> list[Judged]:
    pool = await open_pool(dsn, size=1, name="doctor")
    try:
        invariants = Invariants(pool)
        return [await invariants.look(name, audit_lines=None) for name in INVARIANTS]
    finally:
        await pool.close()


def explain(judged: Sequence[Judged]) -> list[Finding]:
    """One line for all that hold, and for each that does not: what it means and what to do."""
    found = []
    for one in judged:
        invariant = INVARIANTS[one.name]
        what = f"Invariante {one.name}"
        if one.unchecked is not None:
            found.append(Finding(what=what, ok=False, detail=f"não julgada: {one.unchecked}"))
        elif one.violations:
            more = " …" if one.violations > len(one.ids) else ""
            detail = (
                f"deveria valer: {invariant.holds}\n"
                f"    Não vale para {one.violations} {invariant.of}: {', '.join(one.ids)}{more}\n"
                f"    O que fazer: {invariant.remedy}"
            )
            found.append(Finding(what=what, ok=False, detail=detail))
    holding = len(judged) - len(found)
    return [Finding(what="Invariantes", ok=True, detail=f"{holding} valem"), *found]


def _dashboard() -> str:
    build = DashboardBuild(ROOT / "dashboard", ROOT / ".vitrine" / "logs" / "dashboard.log")
    if not build.exists():
        return "sem fontes neste pacote"
    if build.is_current():
        return "construído"
    node = "há Node" if find_node() else "o Node virá de um pacote Python"
    return f"será construído na próxima partida; {node}"
