"""The table a person reads, and the file a later run is compared with."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.chaos.scenario import Outcome

FOLDER: Final = Path(__file__).parent.parent.parent / "bench" / "results"
_COLUMNS: Final = (
    "acknowledged", "answered", "lost", "doubled", "resent", "crossed", "leaked", "longest_wait_s",
)  # fmt: skip


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table(title="chaos: every fault against the quiet run", title_justify="left")
    table.add_column("fault")
    table.add_column("place")
    for heading in ("acknowledged", "answered", "lost", "doubled", "resent", "crossed", "leaked"):
        table.add_column(heading, justify="right")
    table.add_column("longest wait", justify="right")
    table.add_column("", overflow="fold")
    for one in outcomes:
        table.add_row(one.fault, one.place, *cells(one), remarks(one))
    console.print(table)
    wrong = sum(not one.is_right for one in outcomes)
    console.print(f"{len(outcomes)} scenarios, {wrong} not as the quiet run")


def cells(one: Outcome) -> list[str]:
    figures = [str(getattr(one, column)) for column in _COLUMNS[:-1]]
    return [*figures, f"{one.longest_wait_s:.1f} s"]


def remarks(one: Outcome) -> str:
    return "[green]✓[/]" if one.is_right else "[red]✗[/] " + "; ".join(one.remarks)


def write(name: str, outcomes: Sequence[Outcome], folder: Path = FOLDER) -> Path:
    """`<date>-<name>.json`; a second run of a day replaces the first."""
    now = datetime.now(UTC)
    rows = [
        {
            "fault": one.fault,
            "place": one.place,
            **{column: getattr(one, column) for column in _COLUMNS},
            "took_s": one.took_s,
            "remarks": one.remarks,
        }
        for one in outcomes
    ]
    data = {
        "at": now.isoformat(timespec="seconds"),
        "name": name,
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "rows": rows,
    }
    file = folder / f"{now:%Y-%m-%d}-{name}.json"
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return file
