"""One real PostgreSQL and one real Valkey for a whole test session, in a folder of its own.

Both start on first use. A session that was killed leaves its servers behind; the next one ends
them, and touches nothing of a session that still lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psutil
from redis import Redis

from storage.embedded import process
from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.valkey import EmbeddedValkey

PREFIX = "vitrine-tests-"
TEMPLATE = "vitrine_template"


class Services:
    """The session's servers; properties start what they need."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None

    @property
    def folder(self) -> Path:
        """A folder every system user can enter (pytest's own are closed to others)."""
        if self._folder is None:
            end_abandoned_sessions()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
            self._folder.chmod(0o755)
        return self._folder

    @property
    def postgres(self) -> EmbeddedPostgres:
        if self._postgres is None:
            server = EmbeddedPostgres(self.folder, careless=True)
            server.start()
            self._postgres = server
        return self._postgres

    @property
    def valkey(self) -> EmbeddedValkey:
        if self._valkey is None:
            server = EmbeddedValkey(self.folder)
            server.start()
            self._valkey = server
        return self._valkey

    def postgres_dsn(self, database: str = "postgres") -> str:
        """The administrator's connection string."""
        return self.postgres.dsn(database)

    def redis_url(self) -> str:
        return self.valkey.url()

    @cached_property
    def template(self) -> str:
        """A migrated database to clone; an empty one while there are no migrations."""
        run_apart(self._make_template())
        return TEMPLATE

    def create_database(self, template: str | None = None) -> str:
        """A fresh clone of the template; returns its name."""
        name = f"test_{uuid4().hex[:12]}"
        source = template if template is not None else self.template
        run_apart(self._execute(f"CREATE DATABASE {name} TEMPLATE {source}"))
        return name

    def drop_database(self, name: str) -> None:
        run_apart(self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def flushed_redis(self) -> str:
        """The URL of a Valkey without a single key."""
        with Redis.from_url(self.redis_url()) as client:
            client.flushall()
        return self.redis_url()

    def close(self) -> None:
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _make_template(self) -> None:
        await self._execute(f"CREATE DATABASE {TEMPLATE}")
        if find_spec("storage.migrate") is not None:
            from storage.migrate import migrate  # noqa: PLC0415

            await migrate(self.postgres_dsn(TEMPLATE), lambda _line: None)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgres_dsn())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextlib.contextmanager
def running_services() -> Iterator[Services]:
    services = Services()
    try:
        yield services
    finally:
        services.close()


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs `work` in a loop of its own thread, so a test's loop is left alone; returns its result."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=body, name="run_apart")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def end_abandoned_sessions() -> None:
    """Ends servers of sessions whose process is gone, and removes their folders."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).split("-", 1)[0]
        if not pid.isdigit() or psutil.pid_exists(int(pid)) or not os.access(folder, os.W_OK):
            continue
        abandoned = process.working_in(folder / "postgres", "postgres")
        abandoned += process.working_in(folder / "valkey", "valkey-server")
        for one in abandoned:
            process.stop(one, [(signal.SIGKILL, 5.0)])
        shutil.rmtree(folder, ignore_errors=True)
