"""The demo's table tells right from wrong."""

from __future__ import annotations

import io

from rich.console import Console

from cli.demo import table_of
from cli.demo_scenes import Checks, Scene, card_text, shortened


def scene(*wrong: str) -> Scene:
    return Scene(
        what="o mesmo webhook", sent="5 entregas", turns="1", answers="1", times="1 s", wrong=wrong
    )


def shown(*scenes: Scene) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table_of(scenes))
    return console.export_text()


def test_a_scene_without_complaint_is_right():
    assert "✓ certo" in shown(scene())


def test_a_scene_with_a_complaint_is_wrong():
    text = shown(scene(), scene("2 respostas, esperada 1"))
    assert text.count("✓ certo") == 1
    assert text.count("✗ errado") == 1


def test_checks_keep_only_what_does_not_hold():
    checks = Checks()
    checks.expect(True, "não aparece")
    checks.expect(False, "aparece")
    assert checks.wrong == ["aparece"]


def test_a_card_is_one_line_of_what_is_known():
    assert card_text({"need": "padaria", "budget": "", "calls": [1]}) == "need: padaria"


def test_long_answers_are_cut_and_lines_joined():
    assert shortened("uma\nlinha", 20) == "uma linha"
    assert shortened("x" * 30, 10) == "x" * 9 + "…"
