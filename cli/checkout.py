"""One checkout's own places: its state folder, its lock, its mark on every process it starts."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from domain.errors import RejectedError

#: Set in the environment of every process we start, so that a later start knows what was ours.
MARK: Final = "VITRINE_CHECKOUT"


class AlreadyRunningError(RejectedError):
    """Another `vitrine up` holds this checkout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What other commands need to reach the running Vitrine; kept in `run.json` while it runs."""

    pid: int
    url: str
    sandbox_url: str | None
    ray_dashboard_url: str | None
    database_url: str
    redis_url: str


class Checkout:
    """The state folder of one checkout (`.vitrine`, or VITRINE_DIR)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.hash = hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def short_folder(self) -> Path:
        """Where Ray and HAProxy keep sockets: a socket's path may have 107 characters only."""
        root = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108
        return root / f"vitrine-{self.hash}"

    def make(self) -> None:
        """Makes the folder; a new one lets a system user through to PostgreSQL's data."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o711)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def lock(self) -> None:
        """Holds the checkout until this process ends. Raises AlreadyRunningError when it is held."""
        self.make()
        handle = os.open(self.folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            record = self.running()
            where = "" if record is None else f" (processo {record.pid}, {record.url})"
            message = f"este Vitrine já está rodando{where}: use-o, ou pare-o com Ctrl-C primeiro"
            raise AlreadyRunningError(message) from None
        self._lock = handle

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_record(self, record: RunRecord) -> None:
        file = self.folder / "run.json"
        file.touch(mode=0o600, exist_ok=True)
        file.chmod(0o600)
        file.write_text(json.dumps(asdict(record), indent=1) + "\n", "utf-8")

    def remove_record(self) -> None:
        (self.folder / "run.json").unlink(missing_ok=True)

    def running(self) -> RunRecord | None:
        """The record of the Vitrine that runs here; None when none does or it is still starting."""
        try:
            raw: dict[str, Any] = json.loads((self.folder / "run.json").read_text("utf-8"))
            record = RunRecord(**raw)
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        return record if psutil.pid_exists(record.pid) else None
