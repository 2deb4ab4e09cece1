"""Every statement constant of storage prepares against the schema."""

from __future__ import annotations

import importlib
import pkgutil
import re

import asyncpg
import pytest

import storage

pytestmark = pytest.mark.postgres

# The beginnings of statements that are put together where they are used.
_FRAGMENTS = {"storage.outbox._ROW", "storage.inbox_page._PAGE", "storage.inbox_page._PEOPLE"}
_STARTS = re.compile(r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


def statements() -> list[tuple[str, str]]:
    found = []
    for module in pkgutil.iter_modules(storage.__path__, "storage."):
        if module.ispkg or module.name == "storage.migrate":
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.lstrip("_").isupper() and isinstance(value, str) and _STARTS.match(value):
                found.append((f"{module.name}.{name}", value))
    return found


async def test_every_statement_prepares(database):
    connection = await asyncpg.connect(database)
    refused = []
    try:
        checked = 0
        for name, sql in statements():
            if name in _FRAGMENTS:
                continue
            try:
                await connection.prepare(sql)
            except asyncpg.PostgresError as error:
                refused.append(f"{name}: {error}")
            checked += 1
    finally:
        await connection.close()
    assert not refused
    assert checked > 80
