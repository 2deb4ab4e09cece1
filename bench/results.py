"""The table a person reads and the file a later run is compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.figures import Row

FOLDER: Final = Path(__file__).parent / "results"


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
    table = Table(title="bench: ours beside its reference, same run", title_justify="left")
    for heading in ("what", "ours", "reference", "value", "goal", ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    table.add_column("note", overflow="fold")
    for row in rows:
        mark = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[row.met]
        table.add_row(
            row.what,
            f"{row.ours:g} {row.unit}",
            "" if row.reference is None else f"{row.reference:g} {row.unit}",
            "" if row.value is None else f"{row.value:g} {row.value_unit}",
            "" if row.goal is None else str(row.goal),
            mark,
            row.note,
        )
    console.print(table)
