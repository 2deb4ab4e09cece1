"""The table a person reads, and the file a later run is compared with."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.chaos.scenario import Outcome

FOLDER: Final = Path(__file__).parent.parent.parent / "bench" / "results"
_COLUMNS: Final = (
    "acknowledged", "answered", "lost", "doubled", "resent", "crossed", "leaked", "longest_wait_s",
)  # fmt: skip
_HEADINGS: Final = (
    "acknow-\nledged", "ans-\nwered", "lost", "dou-\nbled", "re-\nsent", "cros-\nsed", "lea-\nked",
    "reco-\nvered",
)  # fmt: skip


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """A table that fits eighty columns, and below it what went wrong where."""
    table = Table(
        title="chaos: every fault against the quiet run", title_justify="left",
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip
    table.add_column("fault · place", overflow="fold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in outcomes:
        figures = [str(getattr(one, column)) for column in _COLUMNS[:-1]]
        table.add_row(title(one), *figures, f"{one.longest_wait_s:.1f} s", mark(one))
    console.print(table)
    wrong = [one for one in outcomes if not one.is_right]
    for one in wrong:
        console.print(f"{mark(one)} {title(one)}: {escape('; '.join(one.remarks))}")
    console.print(f"{len(outcomes)} scenarios, {len(wrong)} not as the quiet run")


def title(one: Outcome) -> str:
    return f"{one.fault} · {one.place}"


def mark(one: Outcome) -> str:
    return "[green]✓[/]" if one.is_right else "[red]✗[/]"


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
