"""A place that is armed happens once, where it is meant, and leaves word of it; any other is passed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry import failpoints
from telemetry.failpoints import (
    Arming,
    Failpoint,
    FailpointError,
    arm,
    disarm,
    failpoint,
    fired_file,
)

POINT = Failpoint.AFTER_CLAIM
BREAK = Arming(action="error")
ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def folder(tmp_path):
    failpoints.watch(tmp_path, process="sender")
    yield tmp_path
    failpoints.watch(None, process="")


def test_every_place_says_where_it_stands():
    assert all(point.place and point.place != point.value for point in Failpoint)


def test_without_a_folder_an_armed_place_is_passed(tmp_path):
    arm(tmp_path, POINT, BREAK)
    failpoint(POINT)
    assert disarm(tmp_path, POINT)


def test_an_armed_place_happens_once_and_says_who_was_there(folder):
    arm(folder, POINT, BREAK)
    failpoint(Failpoint.AFTER_POST)
    with pytest.raises(FailpointError):
        failpoint(POINT)
    failpoint(POINT)
    assert json.loads(fired_file(folder, POINT).read_text())["process"] == "sender"
    assert not disarm(folder, POINT)


@pytest.mark.parametrize(
    "other",
    [Arming(action="error", process="conversation/"), Arming(action="error", detail="delivered")],
    ids=["process", "detail"],
)
def test_what_is_meant_for_another_is_passed(folder, other):
    arm(folder, POINT, other)
    failpoint(POINT, "sent")
    assert not fired_file(folder, POINT).exists()


def test_so_many_passes_go_by_first(folder):
    arm(folder, POINT, Arming(action="error", after=2))
    failpoint(POINT)
    failpoint(POINT)
    with pytest.raises(FailpointError):
        failpoint(POINT)


def test_arming_again_forgets_what_fired_before(folder):
    arm(folder, POINT, BREAK)
    with pytest.raises(FailpointError):
        failpoint(POINT)
    arm(folder, POINT, BREAK)
    assert not fired_file(folder, POINT).exists()
    with pytest.raises(FailpointError):
        failpoint(POINT)


def test_of_many_processes_exactly_one_is_killed(tmp_path):
    arm(tmp_path, POINT, Arming(action="kill"))
    passing = (
        "import sys; from pathlib import Path; from telemetry import failpoints as f;"
        "f.watch(Path(sys.argv[1]), process='p'); f.failpoint(f.Failpoint.AFTER_CLAIM)"
    )
    several = [
        subprocess.Popen([sys.executable, "-c", passing, str(tmp_path)], cwd=ROOT) for _ in range(4)
    ]
    codes = sorted(process.wait(timeout=30) for process in several)
    assert codes == [-signal.SIGKILL, 0, 0, 0]
    assert fired_file(tmp_path, POINT).exists()
