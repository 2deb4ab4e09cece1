"""The table a person reads and the file a later run is compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.figures import Row

FOLDER: Final = Path(__file__).parent / "results"
_VERDICTS: Final = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}


def write(name: str, rows: Sequence[Row], machine: dict[str, Any], folder: Path = FOLDER) -> Path:
    """`<date>-<name>.json`; a second run of a day replaces the first."""
    now = datetime.now(UTC)
    data = {
        "at": now.isoformat(timespec="seconds"),
        "name": name,
        "machine": machine,
        "rows": [row.to_json() for row in rows],
    }
    folder.mkdir(exist_ok=True)
    file = folder / f"{now:%Y-%m-%d}-{name}.json"
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return file


def show(rows: Sequence[Row], console: Console) -> None:
    """A table that fits eighty columns, and below it what a row means."""
    table = Table(
        title="bench: ours beside its reference, same run",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("what")
    for heading in ("ours : reference", "value", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        reference = "" if row.reference is None else f" : {_short(row.reference)}"
        table.add_row(
            escape(row.what),
            f"{_short(row.ours)}{reference} {row.unit}",
            "" if row.value is None else f"{_short(row.value)} {row.value_unit}",
            "" if row.goal is None else f"{row.goal} {_VERDICTS[row.met]}",
        )
    console.print(table)
    for row in rows:
        if row.note:
            console.print(f"[dim]{escape(f'{row.what}: {row.note}')}[/]", highlight=False)


def _short(figure: float) -> str:
    """Four digits, and every one of a larger whole number."""
    return f"{figure:.4g}" if abs(figure) < 10_000 else f"{figure:,.0f}"
