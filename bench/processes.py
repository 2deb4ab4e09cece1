"""The benchmarks' own processes: the outside world, the plain handler, the driver inside the cluster."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psutil

from cli.child import ROOT
from storage.embedded.ports import is_free

_ENDS_WITHIN_S: Final = 10.0


class Talker:
    """A process that answers one JSON line to each JSON line; it ends when its input does."""

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.hello = self._read()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Carries out one command; raises RuntimeError when the process ends instead."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"process {self._process.pid} ended: {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        _end(self._process)


@contextmanager
def talker(module: str, environment: Mapping[str, str] | None = None) -> Iterator[Talker]:
    one = Talker(module, environment)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def plain_server(outside: str, *, reads: bool) -> Iterator[tuple[str, int]]:
    """The plain handler in a process of its own; the URL of its webhook, and its pid."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.plain", str(port), outside, str(int(reads))],
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        _until_listening(port)
        yield f"http://127.0.0.1:{port}/webhook/whatsapp", process.pid
    finally:
        process.terminate()
        _end(process)


def _end(process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _until_listening(port: int, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while is_free(port):
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing listens on {port}")
        time.sleep(0.05)


def cpu_seconds(root: int) -> float:
    """CPU used so far by this process and all below it that still live."""
    total = 0.0
    for one in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def cluster_process(supervisor: int) -> psutil.Process:
    """The process that holds Ray, a child of `vitrine up`."""
    for one in psutil.Process(supervisor).children(recursive=True):
        if "cli.cluster" in one.cmdline():
            return one
    raise RuntimeError("no cluster process")


def gcs_address(supervisor: int) -> str:
    """Where the head of this Vitrine's Ray listens: its raylet was told."""
    for one in psutil.Process(supervisor).children(recursive=True):
        if one.name() == "raylet":
            for part in one.cmdline():
                name, _, value = part.lstrip("-").partition("=")
                if name.replace("-", "_") == "gcs_address":
                    return value
    raise RuntimeError("no raylet")
