"""What the banner and the commands say of a house that runs."""

from __future__ import annotations

import re

import pytest

from tests.running import RunningVitrine, living_in, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


def test_status_says_how_many_conversations_live_in_how_many_actors(vitrine: RunningVitrine):
    living_in(vitrine, vitrine.login(), "own")

    def told() -> tuple[int, ...]:
        """(active, actors, own) once the beats of the actors have brought it up to date."""
        found = re.search(
            r"agora (\d+) ativas? em (\d+) ator(?:es)? Ray \((\d+) de uma só conversa, 1 de muitas\)",
            " ".join(vitrine.command("status").split()),
        )
        figures = tuple(map(int, found.groups())) if found is not None else ()
        return figures if figures and figures[2] else ()

    active, actors, own = wait_for("an own actor in what status tells", told, within=60, every=1)
    assert active >= own >= 1
    assert actors == own + 1


def test_the_banner_said_so_when_all_was_ready(vitrine: RunningVitrine):
    found = re.search(
        r"agora (nenhuma|\d+) ativas? em (\d+) ator(?:es)? Ray \((\d+) de uma só conversa, 1 de muitas\)",
        (vitrine.folder.parent / "up.log").read_text("utf-8"),
    )
    assert found is not None
    assert int(found[2]) == int(found[3]) + 1


def test_the_audit_of_a_house_that_works_is_whole(vitrine: RunningVitrine):
    supervisor = vitrine.login()
    vitrine.new_customer().conversation(supervisor)
    found = re.search(r"a cadeia está inteira: (\d+) linhas", vitrine.command("audit", "verify"))
    assert found is not None
    assert int(found[1]) >= 2
    newest = vitrine.api("GET", "/audit?limit=1", supervisor)["items"]
    assert newest[0]["action"].endswith(".read")
