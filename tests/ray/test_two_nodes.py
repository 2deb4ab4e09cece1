"""A node is lost in the middle of a model call: its conversation is answered once, by another node."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.running import ROOT, own_environment

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]


def play(scenario: str, database: str, redis_url: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ray.two_nodes", scenario], cwd=ROOT,
        env=own_environment() | {"DATABASE_URL": database, "REDIS_URL": redis_url},
        capture_output=True, check=False, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def why_no_namespace() -> str:
    """Empty where a network namespace with a link can be made."""
    if shutil.which("ip") is None:
        return "`ip` (iproute2) is not installed"
    name = "vitrine-probe"
    tries = [f"ip netns add {name}", f"ip -n {name} link add vprobe type veth peer name vprobe2"]
    try:
        for command in tries:
            tried = subprocess.run(command.split(), capture_output=True, check=False, text=True)
            if tried.returncode != 0:
                return f"`{command}`: {tried.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return ""


def test_a_node_whose_raylet_is_killed_mid_turn_leaves_one_answer(database, redis_url):
    outcome = play("killed", database, redis_url)
    assert len(outcome["sent"]) == 2
    assert outcome["turns"] == ["committed", "committed"]
    assert outcome["answered_by_old_start"] == [False, False]


def test_a_node_cut_off_from_ray_only_answers_nothing_and_asks_no_further_model(
    database, redis_url
):
    if reason := why_no_namespace():
        pytest.skip(f"no network namespace here: {reason}")
    outcome = play("cut_off", database, redis_url)
    assert outcome["old_start_outlived_its_node"]
    assert len(outcome["sent"]) == 2
    assert outcome["answered_by_old_start"] == [False, False]
    assert outcome["turns"] == ["committed", "committed", "fenced"]
    # The call that ran when the link went down, the new owner's, and the second question's.
    assert (outcome["model_calls_for_first_question"], outcome["model_calls"]) == (2, 3)
