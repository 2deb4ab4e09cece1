"""The embedded PostgreSQL against what happens to servers: restarts, crashes, lies, other majors."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from cli.supervision import FIRST_WAIT_S, Supervisor
from storage.embedded import postgres_files, process
from storage.embedded.errors import ServerRefusedError, ServerStartError
from storage.embedded.ports import is_free
from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.postgres_files import locate

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(120)]

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root: system users are chosen by root"
)


@pytest.fixture
def folder():
    """A state folder that a system user can enter; pytest's own tmp_path is closed to others."""
    place = Path(tempfile.mkdtemp(prefix="vitrine-embedded-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def server(folder):
    one = EmbeddedPostgres(folder)
    yield one
    one.stop()


async def run(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def wait_until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


async def test_data_port_and_password_survive_a_restart(server, folder):
    server.start()
    await run(server, "CREATE TABLE kept AS SELECT 42 AS n")
    dsn = server.dsn()
    server.stop()
    again = EmbeddedPostgres(folder)
    again.start()
    try:
        assert again.dsn() == dsn
        assert await run(again, "SELECT n FROM kept") == 42
    finally:
        again.stop()


async def test_it_waits_for_the_disk_and_listens_on_loopback_only(server):
    server.start()
    assert await run(server, "SHOW synchronous_commit") == "on"
    assert await run(server, "SHOW fsync") == "on"
    assert await run(server, "SHOW max_connections") == "120"
    listening = {
        c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"
    }
    assert listening == {"127.0.0.1"}


async def test_the_file_with_the_password_is_for_its_owner_alone(server, folder):
    server.start()
    assert stat.S_IMODE((folder / "postgres.json").stat().st_mode) == 0o600
    command = " ".join(psutil.Process(server.pid).cmdline())
    assert server.dsn().split(":")[2].split("@")[0] not in command


async def test_stopping_leaves_no_process_and_frees_the_port(server):
    server.start()
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    server.stop()
    assert not any(one.is_running() for one in family)
    assert is_free(server.port)
    server.stop()


async def test_stopping_does_not_wait_for_open_sessions(server):
    server.start()
    connection = await asyncpg.connect(server.dsn())
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 10
    connection.terminate()


async def test_a_killed_server_recovers_what_was_committed(server):
    supervisor = Supervisor(lambda _line: None)
    supervisor.start(server)
    await run(server, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.is_running())
    began = time.monotonic()
    wait_until(lambda: supervisor.tick() == ["PostgreSQL"])
    assert time.monotonic() - began >= FIRST_WAIT_S
    assert await run(server, "SELECT count(*) FROM kept") == 1000


async def test_an_orphan_of_a_killed_supervisor_is_replaced(folder):
    script = (
        "import sys, time; from pathlib import Path;"
        "from storage.embedded.postgres import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1])); server.start(); print(server.pid, flush=True);"
        "time.sleep(600)"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        orphan = process.mark(int(supervisor.stdout.readline()))
        supervisor.kill()
    assert orphan is not None
    assert process.find(orphan) is not None
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        assert process.find(orphan) is None
        assert await run(server, "SELECT 1") == 1
    finally:
        server.stop()


async def test_a_stale_pid_file_with_a_reused_pid_does_not_stop_the_start(server):
    """PostgreSQL alone refuses: it takes any living process with that pid for the old server."""
    server.start()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text("utf-8").splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", "utf-8")
    shutil.chown(pid_file, server.data.stat().st_uid)
    server.start()
    assert await run(server, "SELECT 1") == 1
    assert psutil.pid_exists(os.getpid())


def test_a_mark_does_not_fit_a_process_that_reused_the_pid():
    ours = process.mark(os.getpid())
    assert ours is not None
    assert process.find(ours) is not None
    assert process.find(process.ProcessMark(pid=ours.pid, started_at=ours.started_at - 60)) is None


async def test_two_checkouts_side_by_side_do_not_meet(folder):
    places = [folder / "one", folder / "two"]
    servers = [EmbeddedPostgres(place) for place in places]
    try:
        for number, one in enumerate(servers):
            one.start()
            await run(one, f"CREATE TABLE mine AS SELECT {number} AS n")
        assert [await run(one, "SELECT n FROM mine") for one in servers] == [0, 1]
        assert servers[0].port != servers[1].port
        servers[0].stop()
        assert await run(servers[1], "SELECT n FROM mine") == 1
    finally:
        for one in servers:
            one.stop()


async def test_data_of_another_major_are_refused_and_left_alone(server):
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("16\n", "ascii")
    with pytest.raises(ServerRefusedError, match=r"são do PostgreSQL 16 e este Vitrine traz o 18"):
        server.start()
    assert (server.data / "base").is_dir()


async def test_a_folder_with_something_else_in_it_is_refused(server, folder):
    place = folder / "postgres"
    place.mkdir()
    shutil.chown(place, server.data.stat().st_uid)
    (place / "thesis.tex").write_text("years of work", "utf-8")
    with pytest.raises(ServerRefusedError, match="não está vazia"):
        EmbeddedPostgres(folder).start()
    assert (place / "thesis.tex").exists()


async def test_a_first_start_cut_short_is_begun_again(server, folder):
    half = folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n", "ascii")
    server.start()
    assert await run(server, "SELECT 1") == 1
    assert not half.exists()


async def test_a_lost_password_is_replaced_and_data_stay(server, folder):
    server.start()
    await run(server, "CREATE TABLE kept AS SELECT 42 AS n")
    old = server.dsn()
    server.stop()
    (folder / "postgres.json").unlink()
    again = EmbeddedPostgres(folder)
    again.start()
    try:
        assert again.dsn() != old
        assert await run(again, "SELECT n FROM kept") == 42
    finally:
        again.stop()


async def test_a_port_taken_meanwhile_is_replaced_by_the_next_run_only(server, folder):
    server.start()
    port = server.port
    server.stop()
    holder = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: not is_free(port))
        with pytest.raises(ServerStartError, match="porta livre"):
            server.start()
        again = EmbeddedPostgres(folder)
        again.start()
        assert again.port != port
        assert await run(again, "SELECT 1") == 1
        again.stop()
    finally:
        holder.kill()
        holder.wait()


async def test_damaged_data_end_in_one_line_with_the_log(server):
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").unlink()
    with pytest.raises(ServerStartError, match=r"terminou com código 2 .*postgres\.log"):
        server.start()


@as_root
def test_as_root_the_server_is_another_user_and_no_parent_changes(server, folder):
    before = [(parent, parent.stat().st_mode) for parent in folder.parents]
    server.start()
    assert psutil.Process(server.pid).uids().real != 0
    assert server.data.parent == folder
    assert [(parent, parent.stat().st_mode) for parent in folder.parents] == before


@as_root
async def test_a_checkout_out_of_reach_keeps_its_data_outside(folder, monkeypatch):
    closed = folder / "root-only"
    state = closed / ".vitrine"
    state.mkdir(parents=True)
    closed.chmod(0o700)
    outside = folder / "var-lib"
    outside.mkdir()
    monkeypatch.setattr(
        "storage.embedded.postgres.locate", lambda place: locate(place, outside=outside)
    )
    server = EmbeddedPostgres(state)
    server.start()
    try:
        assert outside in server.data.parents
        assert await run(server, "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert str(server.data) in (state / "postgres.json").read_text("utf-8")
    finally:
        server.stop()


@as_root
async def test_programs_out_of_reach_are_copied_once(folder, monkeypatch):
    wheel = postgres_files.wheel_programs().parent.parent
    closed = folder / "root-only"
    shutil.copytree(wheel / "pginstall", closed / wheel.name / "pginstall", symlinks=True)
    shutil.copytree(wheel.with_name(wheel.name + ".libs"), closed / (wheel.name + ".libs"))
    closed.chmod(0o700)
    outside = folder / "var-lib"
    outside.mkdir()
    monkeypatch.setattr(
        postgres_files, "wheel_programs", lambda: closed / wheel.name / "pginstall" / "bin"
    )
    monkeypatch.setattr(
        "storage.embedded.postgres.locate", lambda place: locate(place, outside=outside)
    )
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        assert outside in Path(psutil.Process(server.pid).exe()).parents
        assert await run(server, "SELECT 1") == 1
    finally:
        server.stop()
