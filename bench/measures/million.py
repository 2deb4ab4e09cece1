"""A million known conversations: waking one of them, and the sweep's look for what nobody works."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg

from actors.clock.core import SWEEP_AGE_S, SWEEP_AT_ONCE
from bench.figures import Goal, Row, absolute_row, summary
from bench.house import House
from bench.processes import Talker
from storage.conversation_statements import LIST_UNWORKED

COUNT: Final = 1_000_000
WOKEN: Final = 500
RATE: Final = 50.0
#: Conversations nobody works, ten times what one sweep rings.
WAITING: Final = 1000
SWEEPS: Final = 50
_FIRST: Final = 1_000_000
_AGE: Final = timedelta(seconds=SWEEP_AGE_S)

# Each with their number, their consent, and one message that was worked: what the load and the sweep
# read is as large as the house is old. The one shard asks nobody's bucket.
_MAKE_UP: Final = """
CREATE TEMP TABLE known AS
SELECT n, gen_random_uuid() AS contact, gen_random_uuid() AS conversation
  FROM generate_series($1::bigint, $1 + $2 - 1) AS n
"""
_ADD: Final = """
INSERT INTO contacts (id, account_id, ai_consent)
SELECT contact, (SELECT id FROM accounts), 'granted' FROM known;
INSERT INTO channel_identities (id, contact_id, portfolio_id, kind, value, wa_id)
SELECT gen_random_uuid(), contact, (SELECT portfolio_id FROM accounts), 'phone', wa_id, wa_id
  FROM (SELECT contact, '55119' || 80000000 + n AS wa_id FROM known) k;
INSERT INTO conversations (id, facade_id, contact_id, bucket, sticky_number, last_inbound_number)
SELECT conversation, (SELECT id FROM facades), contact, n % 1024, number, number
  FROM known, (SELECT min(phone_number_id) AS number FROM physical_numbers) p;
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at, worked_at)
SELECT gen_random_uuid(), 'known:' || n, 'message', conversation, '{}', now(), now() FROM known;
"""
_WAIT: Final = """
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at, received_at)
SELECT gen_random_uuid(), 'waiting:' || id, 'message', id, '{}', now(), now() - interval '1 minute'
  FROM (SELECT id FROM conversations TABLESAMPLE system (1) LIMIT $1) c
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeps:
    """Milliseconds of each look, with nobody waiting and with many."""

    empty_ms: list[float]
    waiting_ms: list[float]


def measure(_world: Talker, house: House) -> list[Row]:
    """Known by SQL; woken in a host that holds none of them."""
    began = time.monotonic()
    ids, sweeps = asyncio.run(_prepare_and_sweep(house.record.database_url))
    added_s = time.monotonic() - began
    woken = house.inside.ask("activate", ids=ids, rate=RATE)
    return rows(woken, sweeps, added_s)


def rows(woken: dict[str, Any], sweeps: Sweeps, added_s: float) -> list[Row]:
    empty, waiting = summary(sweeps.empty_ms), summary(sweeps.waiting_ms)
    return [
        absolute_row(
            what=f"wake beside {COUNT} known, p95",
            unit="ms",
            ours=woken["p95"],
            goal=Goal(bound=20, at_least=False),
            note=f"ring to state loaded, {RATE:g} a second; p50 {woken['p50']:g} ms",
            raw={"woken": woken, "added_s": added_s},
        ),
        absolute_row(
            what=f"sweep beside {COUNT} known, p95",
            unit="ms",
            ours=waiting["p95"],
            goal=Goal(bound=50, at_least=False),
            note=f"{WAITING} waiting; {empty['p95']:g} ms with nobody waiting",
            raw={"waiting": waiting, "empty": empty},
        ),
    ]


async def _prepare_and_sweep(dsn: str) -> tuple[list[str], Sweeps]:
    db = await asyncpg.connect(dsn)
    try:
        await db.execute("SET session_replication_role = replica")  # the rows are right by making
        await db.execute(_MAKE_UP, _FIRST, COUNT)
        await db.execute(_ADD)
        ids = await db.fetch("SELECT conversation FROM known ORDER BY random() LIMIT $1", WOKEN + 1)
        await db.execute("RESET session_replication_role")
        await db.execute("VACUUM ANALYZE")
        return [str(row["conversation"]) for row in ids], await _sweep(db)
    finally:
        await db.close()


async def _sweep(db: asyncpg.Connection[Any]) -> Sweeps:
    """Those who wait are taken back: nobody else saw them, and no turn is run for them."""
    empty_ms = [await _timed(db, 0) for _ in range(SWEEPS)]
    transaction = db.transaction()
    await transaction.start()
    try:
        await db.execute(_WAIT, WAITING)
        return Sweeps(
            empty_ms=empty_ms, waiting_ms=[await _timed(db, SWEEP_AT_ONCE) for _ in range(SWEEPS)]
        )
    finally:
        await transaction.rollback()


async def _timed(db: asyncpg.Connection[Any], expected: int) -> float:
    began = time.perf_counter()
    found = await db.fetch(LIST_UNWORKED, _AGE, None, SWEEP_AT_ONCE)
    took = (time.perf_counter() - began) * 1000
    if len(found) != expected:
        raise RuntimeError(f"the sweep found {len(found)} of {expected}")
    return took
