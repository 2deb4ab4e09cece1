"""The house in figures, read when somebody asks. "Today" begins at midnight of the given zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import asyncpg

from domain.account import Standing
from domain.number import NumberHealth

_MODES: Final[LiteralString] = """
SELECT mode, count(*) AS n FROM conversations WHERE merged_into IS NULL GROUP BY mode"""
_TURNS: Final[LiteralString] = """
SELECT count(*) AS turns, count(*) FILTER (WHERE state = 'committed') AS committed,
       count(*) FILTER (WHERE state = 'superseded') AS superseded,
       count(*) FILTER (WHERE state = 'fenced') AS fenced,
       count(*) FILTER (WHERE state = 'failed') AS failed,
       coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
       coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,
       coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,
       coalesce(sum(cost_micros), 0) AS cost_micros,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY (latency ->> 'total')::float8)
           FILTER (WHERE state = 'committed') AS median_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY (latency ->> 'total')::float8)
           FILTER (WHERE state = 'committed') AS p95_ms,
       date_trunc('day', now(), $1) AS since
  FROM turns WHERE started_at >= date_trunc('day', now(), $1)"""
_OUTBOX: Final[LiteralString] = """
SELECT state, count(*) AS n FROM outbox
 WHERE state IN ('queued', 'claimed', 'unknown') OR created_at >= date_trunc('day', now(), $1)
 GROUP BY state"""
_DUPLICATES: Final[LiteralString] = """
SELECT count(*) FROM outbox WHERE possible_duplicate AND created_at >= date_trunc('day', now(), $1)"""
_NUMBERS: Final[LiteralString] = (
    "SELECT health, count(*) AS n FROM physical_numbers GROUP BY health"
)
_ACCOUNTS: Final[LiteralString] = """
SELECT CASE WHEN standing_until <= now() THEN 'good' ELSE standing END AS standing, count(*) AS n
  FROM accounts GROUP BY 1"""
_NOW: Final[LiteralString] = """
SELECT (SELECT count(*) FROM handoffs WHERE state = 'queued') AS queue_length,
       (SELECT extract(epoch FROM now() - min(queued_at))::float8 FROM handoffs WHERE state = 'queued') AS queue_oldest_s,
       coalesce((SELECT extract(epoch FROM clock_timestamp() - min(e.received_at))::float8
           FROM inbound_events e JOIN conversations c ON c.id = e.conversation_id
          WHERE e.worked_at IS NULL AND c.mode = 'agent' AND e.left_at IS NULL), 0) AS unworked_age_s,
       (SELECT count(*) FROM inbound_events
         WHERE worked_at IS NULL AND conversation_id IS NULL) AS unresolved_events,
       (SELECT count(*) FROM send_attempts s JOIN physical_numbers n USING (phone_number_id)
         WHERE s.claimed_at > now() - interval '1 hour'
           AND s.outcome IN ('rejected', 'unknown')) AS send_errors_last_hour,
       (SELECT count(*) FROM switches WHERE name = 'ai_paused') AS ai_paused"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsPage:
    conversations_by_mode: dict[str, int]
    outbox_by_state: dict[str, int]
    turns_today: dict[str, Any]
    possible_duplicates_today: int
    numbers_by_health: dict[str, int]
    accounts_by_standing: dict[str, int]
    since: datetime
    now: dict[str, Any]


async def read_metrics(pool: asyncpg.Pool[Any], timezone: str) -> MetricsPage:
    """`turns_today` and the settled part of the outbox count since midnight of `timezone`."""
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        modes = await connection.fetch(_MODES)
        turns = await connection.fetchrow(_TURNS, timezone)
        outbox = await connection.fetch(_OUTBOX, timezone)
        duplicates = await connection.fetchval(_DUPLICATES, timezone)
        numbers = await connection.fetch(_NUMBERS)
        accounts = await connection.fetch(_ACCOUNTS)
        now = await connection.fetchrow(_NOW)
    figures = {} if turns is None else dict(turns)
    by_mode = dict.fromkeys(("agent", "operator", "muted", "closed"), 0)
    by_state = dict.fromkeys(
        ("queued", "claimed", "accepted", "unknown", "failed", "withdrawn", "parked"), 0
    )
    by_health = dict.fromkeys((health.value for health in NumberHealth), 0)
    by_standing = dict.fromkeys((standing.value for standing in Standing), 0)
    return MetricsPage(
        conversations_by_mode=by_mode | {row["mode"]: row["n"] for row in modes},
        outbox_by_state=by_state | {row["state"]: row["n"] for row in outbox},
        since=figures.pop("since"),
        turns_today=figures,
        possible_duplicates_today=duplicates,
        numbers_by_health=by_health | {r["health"]: r["n"] for r in numbers},
        accounts_by_standing=by_standing | {r["standing"]: r["n"] for r in accounts},
        now={} if now is None else dict(now),
    )
