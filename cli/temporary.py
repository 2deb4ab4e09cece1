"""A Vitrine of its own in a folder that goes away: for the demo and the benchmarks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cli.checkout import RunRecord
from cli.child import ROOT
from config.settings import read_settings
from domain.errors import RejectedError, TransientError

START_S: Final = 240.0
STOP_S: Final = 60.0
#: What of the person's environment is meant for another Vitrine, or slows every worker.
_OTHERS: Final = ("PYTHONDONTWRITEBYTECODE", "HTTP_PORT")


class NotStartedError(TransientError):
    """It did not become ready; the message ends with its last lines."""


@contextmanager
def temporary_vitrine(
    settings: Mapping[str, str], *, waiting: Callable[[float], None] = lambda _elapsed: None
) -> Iterator[tuple[RunRecord, Path]]:
    """Starts `vitrine up` with these settings; its record and its state folder.

    Stopped and deleted at the end. `waiting` hears of the seconds that passed. Raises NotStartedError,
    and RejectedError where `.env` or the environment names servers: their data are somebody's.
    """
    given = read_settings()
    if given.database_url or given.redis_url or given.ray_address:
        raise RejectedError(
            "DATABASE_URL, REDIS_URL ou RAY_ADDRESS estão definidos: isto usa só servidores próprios"
        )
    folder = Path(tempfile.mkdtemp(prefix="vitrine-"))
    folder.chmod(0o711)  # a system user must reach PostgreSQL's data when we are root
    state, log_file = folder / "state", folder / "up.log"
    process = _launch(state, log_file, settings)
    try:
        began = time.monotonic()
        while not (state / "run.json").exists():
            elapsed = time.monotonic() - began
            if process.poll() is not None or elapsed > START_S:
                raise NotStartedError(f"não iniciou:\n{log_file.read_text('utf-8')[-3000:]}")
            waiting(elapsed)
            time.sleep(0.2)
        yield RunRecord(**json.loads((state / "run.json").read_text("utf-8"))), state
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _launch(state: Path, log_file: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    own = {"PYTHONUNBUFFERED": "1", "HTTP_PORT": str(_free_port()), "VITRINE_DIR": str(state)}
    environment = {**inherited, **own, **settings}
    with log_file.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_port() -> int:
    """Not 8000: a Vitrine that starts beside this one would take it first."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
