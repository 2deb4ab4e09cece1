"""The resident actors as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

KINDS = {
    "own": "própria",
    "shared": "compartilhado",
    "number_pool": "números",
    "sender": "envio",
    "clock": "relógio",
    "api": "API",
    "webhook": "webhook",
}


def actors_table(items: Sequence[Mapping[str, Any]]) -> Table:
    """One row an actor; under a conversation actor, one row for each conversation it holds."""
    table = Table(title=f"{len(items)} atores", title_justify="left", box=None, pad_edge=False)
    for name, justify in (
        ("ator", "left"),
        ("tipo", "left"),
        ("nó", "left"),
        ("pid", "right"),
        ("conv.", "right"),
        ("caixa", "right"),
        ("época", "right"),
        ("último turno", "left"),
        ("memória", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for item in sorted(items, key=lambda one: str(one.get("name", ""))):
        kind = str(item.get("kind", ""))
        table.add_row(
            str(item.get("name", "")),
            KINDS.get(kind, kind),
            str(item.get("node") or "")[:8],
            str(item.get("pid") or ""),
            str(item.get("resident") or ""),
            "",
            "",
            "",
            _megabytes(item.get("memory_bytes")),
        )
        for conversation in item.get("conversations") or ():
            table.add_row(
                f"  {conversation.get('id', '')}",
                str(conversation.get("state") or ""),
                "",
                "",
                "",
                str(conversation.get("mailbox", "")),
                str(conversation.get("epoch", "")),
                str(conversation.get("last_turn_at") or "")[:19],
                "",
                style="dim",
            )
    return table


def _megabytes(count: object) -> str:
    return f"{count / 2**20:.0f} MB" if isinstance(count, int | float) and count else ""
