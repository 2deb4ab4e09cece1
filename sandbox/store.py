"""The twin's own memory: one SQLite file (or memory), committed a few times a second.

A killed sandbox may lose the last 200 ms of what it had seen; the product's truth is elsewhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chat (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, wamid TEXT NOT NULL UNIQUE, customer TEXT NOT NULL,
  pnid TEXT NOT NULL, direction TEXT NOT NULL, type TEXT NOT NULL, content TEXT NOT NULL,
  callback TEXT, status TEXT NOT NULL, error TEXT, at REAL NOT NULL, category TEXT,
  sent_at REAL, delivered_at REAL, read_at REAL, failed_at REAL);
CREATE INDEX IF NOT EXISTS chat_customer ON chat (customer, seq);
CREATE INDEX IF NOT EXISTS chat_callback ON chat (callback) WHERE callback IS NOT NULL;
CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS templates (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS media (
  id TEXT PRIMARY KEY, pnid TEXT, mime_type TEXT NOT NULL, sha256 TEXT NOT NULL, bytes BLOB NOT NULL,
  filename TEXT, at REAL NOT NULL);
"""


class Store:
    """Synchronous on purpose: one statement costs microseconds, far below one network write."""

    def __init__(self, data_dir: Path | None) -> None:
        if data_dir is None:
            path = ":memory:"
        else:
            data_dir.mkdir(parents=True, exist_ok=True)
            path = str(data_dir / "sandbox.sqlite3")
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA cache_size=-2048")
        self._db.executescript(_SCHEMA)
        self._open = False

    def write(self, sql: str, values: Iterable[Any] = ()) -> int:
        """Run one writing statement inside the open batch; returns the row count."""
        if not self._open:
            self._db.execute("BEGIN")
            self._open = True
        return self._db.execute(sql, tuple(values)).rowcount

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        return self._db.execute(sql, tuple(values)).fetchall()

    def row(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._db.execute(sql, tuple(values)).fetchone()
        return found

    def commit(self) -> None:
        if self._open:
            self._db.execute("COMMIT")
            self._open = False

    def wipe(self) -> None:
        for table in ("chat", "customers", "templates", "media"):
            self.write(f"DELETE FROM {table}")  # noqa: S608 - names are ours
        self.commit()

    def close(self) -> None:
        self.commit()
        self._db.close()
