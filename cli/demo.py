"""`vitrine demo`: simulated customers play what Vitrine promises, at speed, and a table says how it went."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.markup import escape
from rich.table import Table

from cli.checkout import Checkout
from cli.demo_scenes import Scene, play
from cli.demo_stage import Stage
from cli.steps import Steps, seconds
from cli.temporary import temporary_vitrine
from config.settings import load_settings

#: Only for a Vitrine of the demo's own: quicker people and a quicker model, the same parts.
QUICK: Final = {"SANDBOX": "on", "QUIET_PERIOD_S": "1.5", "SANDBOX_MODEL_LATENCY_MS": "200-500"}


def run_demo(steps: Steps) -> bool:
    """Plays all scenes; whether every verdict is right. Uses the Vitrine that runs here, if any."""
    began = time.perf_counter()
    console = steps.console
    with _stage(steps) as stage, stage.open():
        console.print(f"painel: {stage.record.url}/app/   telefone: {stage.record.url}/sandbox")
        steps.say("cinco clientes novos escrevem e aceitam ser atendidos por uma IA …")
        scenes = play(
            stage,
            lambda line: console.print(f"  {escape(line)}", highlight=False, soft_wrap=True),
            lambda title: console.print(f"\n[bold]{escape(title)}[/]", highlight=False),
        )
    console.print()
    console.print(table_of(scenes))
    for scene in scenes:
        for wrong in scene.wrong:
            console.print(f"[red]✗[/] {escape(scene.what)}: {escape(wrong)}", highlight=False)
    steps.say(f"demonstração em {seconds(time.perf_counter() - began)}")
    return not any(scene.wrong for scene in scenes)


@contextmanager
def _stage(steps: Steps) -> Iterator[Stage]:
    settings = load_settings()
    running = Checkout(settings.data_dir).running()
    if running is not None:
        steps.say(f"usando o Vitrine que já roda aqui: {running.url}")
        yield Stage(running, settings)
        return
    steps.say("iniciando um Vitrine só para a demonstração (cerca de um minuto; some no fim) …")
    began = time.perf_counter()
    with temporary_vitrine(QUICK) as (record, state):
        steps.say(f"pronto em {seconds(time.perf_counter() - began)}")
        # Its secrets are in its own state folder.
        yield Stage(record, load_settings(sandbox="on", data_dir=state))


def table_of(scenes: Sequence[Scene]) -> Table:
    """What happened, one row a scene."""
    table = Table(title="O que aconteceu", title_justify="left")
    for heading in ("cena", "enviado", "turnos", "respostas", "tempos", ""):
        table.add_column(heading)
    for scene in scenes:
        verdict = "[red]✗ errado[/]" if scene.wrong else "[green]✓ certo[/]"
        cells = (scene.what, scene.sent, scene.turns, scene.answers, scene.times)
        table.add_row(*(escape(cell) for cell in cells), verdict)
    return table
