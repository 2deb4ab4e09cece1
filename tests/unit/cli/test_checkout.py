"""One Vitrine per checkout, found again by other commands, and its processes recognised."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import psutil
import pytest

from cli import family
from cli.checkout import MARK, AlreadyRunningError, Checkout, RunRecord

RECORD = RunRecord(
    pid=os.getpid(), url="http://127.0.0.1:8000", sandbox_url=None, ray_dashboard_url=None,
    database_url="postgresql://", redis_url="redis://",
)  # fmt: skip
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def checkout(tmp_path):
    one = Checkout(tmp_path / ".vitrine")
    yield one
    one.unlock()


def test_a_second_start_in_the_same_checkout_is_refused_with_its_address(checkout, tmp_path):
    checkout.lock()
    checkout.write_record(RECORD)
    with pytest.raises(AlreadyRunningError, match=r"já está rodando \(processo \d+, http"):
        Checkout(tmp_path / ".vitrine").lock()


def test_another_checkout_is_not_in_the_way(checkout, tmp_path):
    checkout.lock()
    other = Checkout(tmp_path / "other")
    other.lock()
    other.unlock()
    assert other.short_folder != checkout.short_folder


def test_the_record_of_a_dead_process_is_nobody_running(checkout):
    checkout.make()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    checkout.write_record(replace(RECORD, pid=ended.pid))
    assert checkout.running() is None


def test_the_short_folder_leaves_room_for_a_socket_path(checkout):
    """HAProxy takes 97 characters; Serve puts a folder named by the node (56) between."""
    assert len(str(checkout.short_folder / ("n" * 56) / "metrics.sock")) <= 97


def test_leftovers_are_known_by_mark_or_folder_and_nobody_else_is(checkout, tmp_path):
    """Started through a shell that ends at once, as a killed supervisor's children are."""
    other = Checkout(tmp_path / "other")
    starts = {
        "marked": ({MARK: checkout.hash}, ""),
        "in the folder": ({}, f"{checkout.short_folder}/haproxy/haproxy.cfg"),
        "of another checkout": ({MARK: other.hash}, f"{other.short_folder}/x"),
    }
    pids = {name: _orphan(environment, word) for name, (environment, word) in starts.items()}
    try:
        found = {one.pid for one in family.leftovers(checkout)}
        assert found == {pids["marked"], pids["in the folder"]}
        assert family.end_all(family.leftovers(checkout)) == 2
        assert psutil.pid_exists(pids["of another checkout"])
    finally:
        family.end_all([psutil.Process(pid) for pid in pids.values() if psutil.pid_exists(pid)])


def _orphan(environment: dict[str, str], word: str) -> int:
    """A process whose parent has ended; returns its pid."""
    script = textwrap.dedent("""
        import subprocess, sys
        one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(one.pid)
    """)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, word],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(result.stdout)


def test_a_stubborn_process_is_killed():
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        family.end_all([psutil.Process(stubborn.pid)], patience_s=0.2)
        assert not psutil.pid_exists(stubborn.pid)


def test_memory_counts_children():
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert family.resident_bytes() > family.resident_bytes(child.pid) > 2**20
        child.kill()


def test_a_session_is_known_after_its_leader_died():
    """As HAProxy is after the process that holds Ray was killed."""
    script = (
        "import subprocess, sys; one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " stdout=subprocess.DEVNULL, process_group=0); print(one.pid, flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as leader:
        assert leader.stdout is not None
        left = int(leader.stdout.readline())
    assert [one.pid for one in family.session_of(leader.pid)] == [left]
    assert family.end_all(family.session_of(leader.pid)) == 1
