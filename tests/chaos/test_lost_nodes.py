"""Nodes are lost: a worker in the middle of a model call, a node cut off from Ray only, the head."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.running import ROOT, own_environment

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(240),
]


def play(database: str, redis_url: str, *story: str) -> dict[str, Any]:
    """What a story printed: it is a process of its own, with Ray nodes of its own."""
    done = subprocess.run(
        [sys.executable, "-m", *story], cwd=ROOT,
        env=own_environment() | {"DATABASE_URL": database, "REDIS_URL": redis_url},
        capture_output=True, check=False, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    outcome: dict[str, Any] = json.loads(told[-1])
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
    outcome = play(database, redis_url, "tests.chaos.two_nodes", "killed")
    assert len(outcome["sent"]) == 2
    assert outcome["turns"] == ["committed", "committed"]
    assert outcome["answered_by_old_start"] == [False, False]


def test_a_node_cut_off_from_ray_only_answers_nothing_and_asks_no_further_model(
    database, redis_url
):
    if reason := why_no_namespace():
        pytest.skip(f"no network namespace here: {reason}")
    outcome = play(database, redis_url, "tests.chaos.two_nodes", "cut_off")
    assert outcome["old_start_outlived_its_node"]
    assert len(outcome["sent"]) == 2
    assert outcome["answered_by_old_start"] == [False, False]
    assert outcome["turns"] == ["committed", "committed", "fenced"]
    # The call that ran when the link went down, the new owner's, and the second question's.
    assert (outcome["model_calls_for_first_question"], outcome["model_calls"]) == (2, 3)


def test_a_gcs_that_is_killed_and_comes_back_stops_no_shard(database, redis_url):
    outcome = play(database, redis_url, "tests.chaos.gcs_outage")
    assert outcome["answered_without_gcs"]
    assert outcome["same_start"]
    assert outcome["turns"] == ["committed"] * 3
    assert len(outcome["sent"]) == 3
