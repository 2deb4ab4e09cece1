"""A process that outlives the one that started it is known by pid and start time together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# The start time psutil computes moves with the machine's boot-time estimate.
START_TIME_TOLERANCE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """What recognises a process later: a reused pid has another start time."""

    pid: int
    started_at: float  # seconds since the epoch, as psutil tells it


def mark(pid: int) -> ProcessMark | None:
    """The mark of a live process; None when it is already gone."""
    try:
        return ProcessMark(pid=pid, started_at=psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def find(known: ProcessMark) -> psutil.Process | None:
    """The process behind a mark; None when it ended, is a zombie, or the pid was reused."""
    try:
        process = psutil.Process(known.pid)
        if abs(process.create_time() - known.started_at) > START_TIME_TOLERANCE_S:
            return None
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def working_in(folder: Path, name: str) -> list[psutil.Process]:
    """Live processes called `name` whose working folder is `folder`, oldest first."""
    wanted = str(folder.resolve())
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != name:
            continue
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.cwd() == wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return sorted(found, key=lambda one: one.create_time())


def stop(process: psutil.Process, steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Sends each signal in turn and waits its seconds; True when the process is gone."""
    for step, seconds in steps:
        try:
            process.send_signal(step)
            process.wait(seconds)
        except psutil.NoSuchProcess:
            return True
        except psutil.TimeoutExpired:
            continue
        return True
    return not process.is_running()


def spawn_server(
    command: Sequence[str], *, log_file: Path, user: tuple[int, int] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a server in a session of its own: the terminal's Ctrl-C is for us, not for it.

    The environment is bare: a database has no business with our API keys. `user` is (uid, gid).
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if log_file.exists() and log_file.stat().st_size > 10 * 2**20:
        log_file.replace(log_file.with_suffix(".1.log"))
    uid, gid = user if user is not None else (None, None)
    with log_file.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=bare_environment(),
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if user is None else [],
        )


def bare_environment() -> dict[str, str]:
    """What a server of ours gets to see of the environment: nothing of the person's."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def last_lines(log_file: Path, count: int = 6) -> str:
    """The end of a log, for an error message."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log_file.stat().st_size - 8192))
            text = log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(line for line in text.splitlines()[-count:] if line.strip())
