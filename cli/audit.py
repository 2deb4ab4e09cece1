"""`vitrine audit`: whether the log of who did and read what still stands as it was written."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import typer
from rich.console import Console

from cli.direct import readable, with_pool
from storage.audit import AuditBreak, find_last, verify as find_breaks

audit_app: Final = typer.Typer(no_args_is_help=True, help="O registro de quem fez e leu o quê.")
console: Final = Console()

_ONE: Final = {
    "missing": "removida",
    "altered": "não é o que foi escrito",
    "added": "não veio da auditoria",
}
_SEVERAL: Final = _ONE | {"missing": "removidas", "added": "não vieram da auditoria"}


@audit_app.callback()
def of_the_audit() -> None:
    """Keeps `verify` a command of its own while it is the only one."""


@audit_app.command()
def verify() -> None:
    """Diz se a cadeia da auditoria está inteira, ou em que linha quebra; nada é alterado."""
    with readable():
        last, breaks = with_pool(_examine)
    if not breaks:
        console.print(f"[green]✓[/] a cadeia está inteira: {last} linhas", highlight=False)
        return
    for one in breaks:
        console.print(f"[red]✗[/] {describe(one)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def describe(broken: AuditBreak) -> str:
    """One break in words."""
    first, last = broken.seq, broken.seq + broken.lines - 1
    if first == last:
        return f"a cadeia quebra na linha {first}: {_ONE[broken.what]}"
    return f"a cadeia quebra nas linhas {first} a {last}: {_SEVERAL[broken.what]}"


async def _examine(pool: asyncpg.Pool[Any]) -> tuple[int, tuple[AuditBreak, ...]]:
    last = await find_last(pool)
    return last, await find_breaks(pool)
