"""PostgreSQL from a wheel: one data folder, one port, one password, loopback only."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Final

import psutil

from storage.embedded import process
from storage.embedded.errors import ServerRefusedError, ServerStartError
from storage.embedded.ports import PortBook
from storage.embedded.postgres_files import PostgresFiles, locate, own, wheel_major

ROLE: Final = "vitrine"
PORT_TRIES: Final = 3
START_TIMEOUT_S: Final = 120.0  # crash recovery replays up to max_wal_size
FAST_STOP_S: Final = 20.0
IMMEDIATE_STOP_S: Final = 10.0
STOP_STEPS: Final = (
    (signal.SIGINT, FAST_STOP_S),
    (signal.SIGQUIT, IMMEDIATE_STOP_S),
    (signal.SIGKILL, IMMEDIATE_STOP_S),
)

# A shop on one small machine: little memory, few processes, nothing lost.
SETTINGS: Final = {
    "max_connections": "120",  # config/limits.py DEDICATED_ACTORS_DEFAULT_MOST fits
    "shared_buffers": "64MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "wal_level": "replica",
    "synchronous_commit": "on",
    "io_method": "sync",  # three processes less
    "max_logical_replication_workers": "0",  # one process less
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    "jit": "off",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "password_encryption": "scram-sha-256",
}
# Tests throw the data away: a power cut may too.
CARELESS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """The server of one state folder. Start, look, stop; nobody else may use the folder meanwhile.

    All methods block. `start` after a crash recovers; `start` while an orphan of an earlier
    supervisor still runs stops the orphan first.
    """

    name = "PostgreSQL"

    def __init__(self, folder: Path, *, careless: bool = False) -> None:
        self._folder = folder.resolve()
        self._careless = careless
        self._record = self._folder / "postgres.json"
        self._log = self._folder / "logs" / "postgres.log"
        self._ports = PortBook(self._folder / "ports.json")
        self._child: subprocess.Popen[bytes] | None = None
        self._files: PostgresFiles | None = None
        self._password = ""
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int | None:
        """The postmaster's pid; None when it is not running."""
        return self._child.pid if self._child is not None and self.is_running() else None

    @property
    def data(self) -> Path:
        return self._located().data

    @property
    def log_file(self) -> Path:
        return self._log

    def dsn(self, database: str = ROLE) -> str:
        """The connection string, password included: for settings, never for a log."""
        return f"postgresql://{ROLE}:{self._password}@127.0.0.1:{self._port}/{database}"

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self, give_up: threading.Event | None = None) -> None:
        """Returns when the server takes connections.

        Raises ServerRefusedError for another major's data, ServerStartError when it does not come
        up within 120 s. `give_up` set meanwhile ends the wait early.
        """
        if self.is_running():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        files = self._located()
        self._remember(files)
        self._check_major(files)
        self.stop_orphans()
        if not (files.data / "PG_VERSION").exists():
            self._create(files)
        self._password = self._password or self._new_password(files)
        known = self._port  # others were told: a restart keeps the port
        for _ in range(1 if known else PORT_TRIES):
            self._port = known or self._ports.take("postgres")
            self._launch(files)
            if self._wait_ready(files, give_up):
                self._ensure_database(files)
                return
        self._port = known
        raise ServerStartError(self._failure("não conseguiu uma porta livre"))

    def stop(self) -> None:
        """Fast shutdown (SIGINT: sessions end, checkpoint), then immediate; quiet when not running."""
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

    # -- starting -------------------------------------------------------------------------------

    def _located(self) -> PostgresFiles:
        if self._files is None:
            self._files = locate(self._folder)
        return self._files

    def _remember(self, files: PostgresFiles) -> None:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            self._password = str(json.loads(self._record.read_text("utf-8")).get("password", ""))
        self._write_record(files)

    def _write_record(self, files: PostgresFiles) -> None:
        self._record.touch(mode=0o600, exist_ok=True)
        self._record.chmod(0o600)
        content = {"password": self._password, "data": str(files.data)}
        self._record.write_text(json.dumps(content) + "\n", "utf-8")

    def _check_major(self, files: PostgresFiles) -> None:
        with contextlib.suppress(FileNotFoundError):
            found = (files.data / "PG_VERSION").read_text("ascii").strip()
            if found != str(wheel_major()):
                message = (
                    f"os dados em {files.data} são do PostgreSQL {found} e este Vitrine traz o "
                    f"{wheel_major()}: exporte com a versão antiga, ou aponte DATABASE_URL para um "
                    f"servidor {found}; nada foi alterado"
                )
                raise ServerRefusedError(message)

    def stop_orphans(self) -> None:
        """Ends a server an earlier supervisor left behind, and removes a pid file that lies.

        PostgreSQL itself would take any live process with the old pid for the old server.
        """
        files = self._located()
        for orphan in process.working_in(files.data, "postgres"):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.stop(orphan, STOP_STEPS)
        (files.data / "postmaster.pid").unlink(missing_ok=True)

    def _create(self, files: PostgresFiles) -> None:
        if files.data.exists() and any(files.data.iterdir()):
            message = f"{files.data} não está vazia e não é uma base do PostgreSQL: mova-a dali"
            raise ServerRefusedError(message)
        self._password = secrets.token_urlsafe(24)
        fresh = files.data.with_name("postgres.new")  # a start cut short leaves no half data folder
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        own(files, fresh)
        password_file = files.data.with_name("postgres.password")
        password_file.touch(mode=0o600)
        own(files, password_file)
        password_file.write_text(self._password + "\n", "utf-8")
        try:
            self._run(
                files,
                ["initdb", "--pgdata", str(fresh), "--username", ROLE, "--encoding=UTF8",
                 "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
                 "--auth=scram-sha-256", "--pwfile", str(password_file), "--no-instructions",
                 *(["--no-sync"] if self._careless else [])],
            )  # fmt: skip
        finally:
            password_file.unlink(missing_ok=True)
        self._write_record(files)
        if files.data.exists():
            files.data.rmdir()
        fresh.rename(files.data)

    def _new_password(self, files: PostgresFiles) -> str:
        """A password for data whose own was lost with `postgres.json`: set without a server."""
        password = secrets.token_urlsafe(24)
        self._run(
            files,
            ["postgres", "--single", "-D", str(files.data), "postgres"],
            text=f"ALTER ROLE {ROLE} PASSWORD '{password}'\n",
        )
        self._password = password
        self._write_record(files)
        return password

    def _launch(self, files: PostgresFiles) -> None:
        options = dict(SETTINGS) | {"port": str(self._port)} | (CARELESS if self._careless else {})
        command = [str(files.programs / "postgres"), "-D", str(files.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        user = None if files.user is None else (files.user.uid, files.user.gid)
        self._child = process.spawn_server(command, log_file=self._log, user=user)

    def _wait_ready(self, files: PostgresFiles, give_up: threading.Event | None) -> bool:
        """True when ready, False when the port was taken in the last moment."""
        child = self._child
        assert child is not None  # noqa: S101
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if child.poll() is not None:
                if "could not bind" in process.last_lines(self._log):
                    return False
                raise ServerStartError(self._failure(f"terminou com código {child.returncode}"))
            if give_up is not None and give_up.is_set():
                self.stop()
                raise ServerStartError(self._failure("a partida foi interrompida"))
            if self._says_ready(files, child.pid):
                return True
            time.sleep(0.05)
        self.stop()
        raise ServerStartError(self._failure(f"não ficou pronto em {START_TIMEOUT_S:.0f} s"))

    @staticmethod
    def _says_ready(files: PostgresFiles, pid: int) -> bool:
        try:
            lines = (files.data / "postmaster.pid").read_text("utf-8").splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _ensure_database(self, files: PostgresFiles) -> None:
        found = self._psql(files, "SELECT 1 FROM pg_database WHERE datname = 'vitrine'")
        if found.strip() != "1":
            self._psql(files, "CREATE DATABASE vitrine")

    def _psql(self, files: PostgresFiles, statement: str) -> str:
        command = ["psql", "-XAtq", "-h", "127.0.0.1", "-p", str(self._port), "-U", ROLE]
        command += ["-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement]
        return self._run(files, command)

    def _run(self, files: PostgresFiles, command: list[str], *, text: str = "") -> str:
        user = files.user
        result = subprocess.run(  # noqa: S603
            [str(files.programs / command[0]), *command[1:]],
            input=text,
            capture_output=True,
            text=True,
            cwd="/",
            env=process.bare_environment() | {"PGPASSWORD": self._password},
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
            timeout=START_TIMEOUT_S,
            check=False,
        )
        if result.returncode != 0:
            raise ServerStartError(
                f"PostgreSQL: {command[0]} falhou: {result.stderr.strip()[-600:]}"
            )
        return result.stdout

    def _failure(self, what: str) -> str:
        return f"PostgreSQL {what} (registro: {self._log})\n{process.last_lines(self._log)}"
