"""The `vitrine` command."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli import family
from cli.actors import actors_table
from cli.api import ApiClient
from cli.audit import audit_app
from cli.banner import living
from cli.checkout import Checkout, RunRecord
from cli.child import ROOT
from cli.demo import run_demo
from cli.direct import readable
from cli.doctor import examine
from cli.preflight import gigabytes
from cli.scale import roll_out, scale as scale_part, show_scale
from cli.steps import Steps
from cli.up import up as run_up
from cli.users import users_app
from config.settings import Settings, load_settings, plain
from domain.errors import RejectedError
from domain.scale import Part
from storage.embedded.postgres import EmbeddedPostgres
from storage.migrate import migrate as run_migrations

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
sandbox_app = typer.Typer(no_args_is_help=True, help="O ensaio: Meta, modelo e ERP de mentira.")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(users_app, name="user")
app.add_typer(audit_app, name="audit")
console = Console()


@app.callback()
def at_home() -> None:
    """Vitrine: vendas por WhatsApp com agentes de IA."""
    if (ROOT / "pyproject.toml").exists():
        os.chdir(ROOT)  # `.env` and `.vitrine` are the checkout's, wherever the command is typed


@app.command()
def up() -> None:
    """Inicia tudo o que este Vitrine precisa e fica rodando até Ctrl-C."""
    with readable():
        run_up(Steps(console))


@app.command()
def demo() -> None:
    """Mostra em menos de 3 minutos o que o Vitrine promete, com clientes simulados."""
    with readable():
        if not run_demo(Steps(console)):
            raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Diz o que está em ordem e o que não está; nada é alterado."""
    findings = examine()
    for one in findings:
        mark = "[green]✓[/]" if one.ok else "[red]✗[/]"
        console.print(
            f"{mark} [bold]{one.what}[/] {escape(one.detail)}", highlight=False, soft_wrap=True
        )
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Leva o banco ao esquema deste código (DATABASE_URL, ou o embutido)."""
    with readable():
        settings, checkout = _here()
        steps = Steps(console)
        running = checkout.running()
        if settings.database_url is not None or running is not None:
            dsn = plain(settings.database_url) or (running.database_url if running else "")
            asyncio.run(run_migrations(dsn, steps.say))
            return
        checkout.lock()
        server = EmbeddedPostgres(settings.data_dir)
        try:
            server.start()
            asyncio.run(run_migrations(server.dsn(), steps.say))
        finally:
            server.stop()
            checkout.unlock()


@app.command()
def status() -> None:
    """Mostra se o Vitrine deste diretório está rodando, onde, e o que a IA pode enviar."""
    with readable():
        settings, checkout = _here()
        running = _running(checkout)
        with ApiClient(running.url, settings) as api:
            system, actors = api.get("/system"), api.get("/actors")["items"]
        table = Table.grid(padding=(0, 2))
        table.add_row("Endereço", running.url)
        table.add_row("Processo", str(running.pid))
        table.add_row("Memória", gigabytes(family.resident_bytes(running.pid)))
        hosts = [(actor["kind"], actor["resident"]) for actor in actors]
        table.add_row("Conversas", living(hosts))
        paused = system.get("ai_paused")
        table.add_row(
            "IA", f"pausada: {system.get('reason') or 'sem motivo dito'}" if paused else "enviando"
        )
        table.add_row("Modo", "sandbox" if system.get("sandbox") else "servindo a Meta")
        console.print(table)


@app.command()
def actors() -> None:
    """Lista os atores Ray das conversas: onde vivem, o que guardam, o que fazem."""
    with readable():
        settings, checkout = _here()
        with ApiClient(_running(checkout).url, settings) as api:
            table = actors_table(api.get("/actors")["items"])
        console.print(table, width=max(console.width, 120), crop=False)


@app.command()
def scale(
    part: Annotated[Part | None, typer.Argument(help="O que muda; sem isto, mostra.")] = None,
    count: Annotated[int | None, typer.Argument(min=1, max=64, help="Quantos.")] = None,
) -> None:
    """Muda com tudo rodando quantos shards e réplicas há; vale também depois de reiniciar."""
    with readable():
        settings, checkout = _here()
        with ApiClient(_running(checkout).url, settings) as api:
            if part is None:
                show_scale(console, api)
            elif count is None:
                raise RejectedError(f"diga quantos: `vitrine scale {part} 2`")
            else:
                scale_part(Steps(console), api, part, count)


@app.command()
def rollout(part: Annotated[Part, typer.Argument(help="webhook ou api.")]) -> None:
    """Troca as réplicas por novas, do código de agora, sem recusar nenhum pedido."""
    with readable():
        settings, checkout = _here()
        with ApiClient(_running(checkout).url, settings) as api:
            roll_out(Steps(console), api, part)


@app.command()
def pause(reason: Annotated[str, typer.Argument(help="Por quê; fica registrado.")]) -> None:
    """Pausa tudo o que a IA envia."""
    with readable():
        settings, checkout = _here()
        with ApiClient(_running(checkout).url, settings) as api:
            api.post("/system/pause", {"reason": reason})
        console.print("a IA está pausada; `vitrine resume` retoma")


@app.command()
def resume() -> None:
    """Retoma os envios da IA."""
    with readable():
        settings, checkout = _here()
        with ApiClient(_running(checkout).url, settings) as api:
            api.post("/system/resume", {})
        console.print("a IA voltou a enviar")


@sandbox_app.command("reset")
def sandbox_reset(
    *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Não pergunta.")] = False
) -> None:
    """Apaga os dados deste ensaio: banco embutido, sandbox e segredos gerados."""
    with readable():
        settings, checkout = _here()
        if not settings.sandbox_on or settings.database_url is not None:
            raise RejectedError("só apaga um ensaio com banco embutido; este tem dados de verdade")
        checkout.lock()
        server = EmbeddedPostgres(settings.data_dir)
        doomed = [server.data, checkout.folder / "sandbox", checkout.folder / "valkey"]
        doomed += [
            checkout.folder / name for name in ("secrets.json", "postgres.json", "valkey.json")
        ]
        console.print("serão apagados:", *(f"\n  {one}" for one in doomed if one.exists()))
        if not yes:
            typer.confirm("apagar?", abort=True)
        family.end_all(family.leftovers(checkout))
        server.stop_orphans()
        for one in doomed:
            shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)
        checkout.unlock()
        console.print("apagado; `make run` começa de novo")


def _here() -> tuple[Settings, Checkout]:
    settings = load_settings()
    return settings, Checkout(settings.data_dir)


def _running(checkout: Checkout) -> RunRecord:
    record = checkout.running()
    if record is None:
        raise RejectedError("o Vitrine deste diretório não está rodando: `make run` o inicia")
    return record


if __name__ == "__main__":
    app()
