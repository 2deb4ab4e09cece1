"""What a person sees while Vitrine starts: each step by name, with its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from domain.errors import VitrineError


class Steps:
    """Prints `✓ PostgreSQL pronto em 1,8 s` for each step; a spinner meanwhile on a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, what: str, *, done: str = "pronto") -> Iterator[None]:
        """Times the block. A refusal is printed as one mark and goes on to the caller."""
        began = time.perf_counter()
        try:
            with self.console.status(f"{what} …"):
                yield
        except VitrineError:
            self.console.print(f"[red]✗[/] {what}", highlight=False)
            raise
        self.console.print(
            f"[green]✓[/] {what} {done} em {seconds(time.perf_counter() - began)}", highlight=False
        )

    def say(self, line: str) -> None:
        """One line of news, also in the middle of a step."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        self.console.print(f"[yellow]![/] {escape(line)}", highlight=False, soft_wrap=True)


def seconds(value: float) -> str:
    """A duration as read in Brazil: `1,8 s`, `2 min 05 s`."""
    if value < 60:
        return f"{value:.1f}".replace(".", ",") + " s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02} s"
