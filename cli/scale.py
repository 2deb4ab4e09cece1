"""`vitrine scale` and `vitrine rollout`: how many of each part, changed while everything runs."""

from __future__ import annotations

import time
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from cli.api import ApiClient
from cli.steps import Steps
from domain.errors import RejectedError, TransientError
from domain.scale import Part

#: A shard that leaves finishes its turn first, which may take more than a minute.
PATIENCE_S: Final = 300.0
_LOOK_EVERY_S: Final = 0.5

WORDS: Final = {
    Part.SHARDS: "atores compartilhados (shards)",
    Part.WEBHOOK: "réplicas do webhook",
    Part.API: "réplicas da API",
}


def show_scale(console: Console, api: ApiClient) -> None:
    """One line for each part."""
    table = Table.grid(padding=(0, 2))
    for item in api.get("/system/scale")["items"]:
        state = "" if item["settled"] else "mudando …"
        table.add_row(WORDS[Part(item["part"])], str(item["wanted"]), state)
    console.print(table)


def scale(steps: Steps, api: ApiClient, part: Part, count: int) -> None:
    """Asks for `count` and returns when it is so. Raises TransientError after 300 s."""
    with steps.step(f"{count} {WORDS[part]}", done="no ar"):
        _wait(api, part, api.post("/system/scale", {"part": part, "count": count}))


def roll_out(steps: Steps, api: ApiClient, part: Part) -> None:
    """Has the part's replicas replaced and returns when only new ones serve."""
    if part is Part.SHARDS:
        raise RejectedError("`rollout` troca réplicas: webhook ou api")
    with steps.step(f"{WORDS[part]}: troca", done="trocadas"):
        _wait(api, part, api.post("/system/rollout", {"part": part}))


def _wait(api: ApiClient, part: Part, answer: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not answer["settled"]:
        if time.monotonic() > deadline:
            raise TransientError(
                f"{part}: ainda mudando depois de {PATIENCE_S:.0f} s; `vitrine scale` mostra, "
                "e o registro `logs/ray.log` diz o que falta"
            )
        time.sleep(_LOOK_EVERY_S)
        items = api.get("/system/scale")["items"]
        answer = next(item for item in items if item["part"] == part)
