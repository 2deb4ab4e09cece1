"""What commands share that work on the database itself, and how every command refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape

from cli.checkout import Checkout
from config.settings import load_settings, plain
from domain.errors import RejectedError, VitrineError
from storage.pool import open_pool

T = TypeVar("T")


def with_pool(work: Callable[[asyncpg.Pool[Any]], Awaitable[T]]) -> T:
    """Works on the database of the settings, or of the Vitrine that runs here."""
    settings = load_settings()
    running = Checkout(settings.data_dir).running()
    dsn = plain(settings.database_url) or (running.database_url if running else "")
    if not dsn:
        raise RejectedError("o Vitrine deste diretório não está rodando: `make run` o inicia")

    async def run() -> T:
        pool = await open_pool(dsn, size=1, name="cli")
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


@contextmanager
def readable() -> Iterator[None]:
    """A refusal is a line for a person, not a trace; a defect keeps its trace."""
    try:
        yield
    except VitrineError as refusal:
        Console(stderr=True).print(
            f"[red]✗[/] {escape(str(refusal))}", highlight=False, soft_wrap=True
        )
        raise typer.Exit(1) from refusal
