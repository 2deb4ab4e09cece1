"""Fixtures of several files here; each has a `pool` of its own size."""

from __future__ import annotations

import asyncpg
import pytest

from tests.integration.merging import Twins, some_twins


@pytest.fixture
async def twins(pool: asyncpg.Pool) -> Twins:
    return await some_twins(pool)
