"""Our processes and their descendants: counted, and ended completely.

On Linux the supervisor adopts orphaned descendants (a child subreaper), so that a worker whose
parent died is still found under us. After a kill -9 of the supervisor itself nothing is under us;
then a process of ours is known by the mark in its environment or by this checkout's short folder
in its command line (Ray's workers overwrite both, but die with their raylet).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

from cli.checkout import MARK, Checkout

PR_SET_CHILD_SUBREAPER: Final = 36


def adopt_orphans() -> None:
    """Makes orphaned descendants our children; quiet where the system cannot."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_adopted() -> None:
    """Collects ended children that were not started by us: nobody else waits for them.

    Call it after every child started with `subprocess` was polled: those are collected there.
    """
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
            if child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


def descendants(pid: int | None = None) -> list[psutil.Process]:
    """Every live process below `pid` (default: ourselves)."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def session_of(leader: int) -> list[psutil.Process]:
    """Live processes of the session `leader` began, whoever their parent is by now."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


def leftovers(checkout: Checkout) -> list[psutil.Process]:
    """Processes an earlier, killed supervisor of this checkout left; never one of our own family."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    ours |= {one.pid for one in descendants()}
    return [one for one in psutil.process_iter() if one.pid not in ours and _marked(one, checkout)]


def end_all(processes: Iterable[psutil.Process], *, patience_s: float = 5.0) -> int:
    """Asks with SIGTERM, waits, then SIGKILL; returns how many had to be ended."""
    alive = [one for one in processes if one.is_running()]
    for one in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    _, stubborn = psutil.wait_procs(alive, timeout=patience_s)
    for one in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(stubborn, timeout=patience_s)
    return len(alive)


def resident_bytes(pid: int | None = None) -> int:
    """Memory of `pid` (default: ourselves) and all below it.

    Shared pages count once (PSS); where the system does not tell, each process's RSS.
    """
    try:
        top = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return 0
    return sum(_memory(one) for one in (top, *descendants(top.pid)))


def _memory(process: psutil.Process) -> int:
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return int(process.memory_info().rss)
    return 0


def _marked(process: psutil.Process, checkout: Checkout) -> bool:
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARK) == checkout.hash:
            return True
    with contextlib.suppress(psutil.Error):
        inside = f"{checkout.short_folder}/"
        return any(inside in part for part in process.cmdline())
    return False
