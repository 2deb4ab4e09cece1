"""A Python process of ours that the supervisor starts, watches and ends with all below it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cli.checkout import MARK, Checkout
from cli.family import end_all, session_of

ROOT: Final = Path(__file__).resolve().parent.parent


class Child:
    """`python -m <module> ...` in a session of its own, its output in a log of its own."""

    def __init__(
        self, module: str, checkout: Checkout, *, log_name: str, patience_s: float
    ) -> None:
        self._module = module
        self._checkout = checkout
        self._patience_s = patience_s
        self.log_file = checkout.logs / f"{log_name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        pass_fds: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes]:
        if self.log_file.exists() and self.log_file.stat().st_size > 10 * 2**20:
            self.log_file.replace(self.log_file.with_suffix(".1.log"))
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self._module, *arguments],
                cwd=ROOT,
                env={**_inherited(), **environment, MARK: self._checkout.hash},
                stdin=subprocess.PIPE,  # its end is how a child learns that we are gone
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        return self.process

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """SIGTERM, patience, SIGKILL; then whatever it started and left, also when it died itself."""
        child = self.process
        if child is None:
            return
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(self._patience_s)
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stdin is not None:
            child.stdin.close()
        self.process = None
        end_all(session_of(child.pid), patience_s=2.0)


def _inherited() -> dict[str, str]:
    """The person's environment without what would slow every worker or point at another Ray."""
    left_out = {"PYTHONDONTWRITEBYTECODE", "RAY_ADDRESS"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    if file := kept.get("VITRINE_ENV_FILE"):
        kept["VITRINE_ENV_FILE"] = str(Path(file).resolve())  # the child runs in another folder
    return kept
