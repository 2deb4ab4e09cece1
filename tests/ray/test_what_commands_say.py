"""What the banner and the commands say of a house that runs."""

from __future__ import annotations

import re

import pytest

from tests.running import RunningVitrine, living_in

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


def test_status_says_how_many_conversations_live_in_how_many_actors(vitrine: RunningVitrine):
    living_in(vitrine, vitrine.login(), "own")
    found = re.search(
        r"agora (\d+) ativas? em (\d+) ator(?:es)? Ray \((\d+) de uma só conversa, 1 de muitas\)",
        vitrine.command("status"),
    )
    assert found is not None
    active, actors, own = map(int, found.groups())
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
