"""The queries behind telemetry/invariants.py: each returns the ids of what violates its sentence.

All are cheap on tables of any size: they read a partial index of what is unsettled, or the last hour
or day of a table by its BRIN index, which the line above each names. Borders are now(), which an index
can be asked for, and not clock_timestamp(). None may run longer than two seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, LiteralString

import asyncpg

from config import limits
from storage import audit
from telemetry.invariants import Finding, InvariantName

IDS_SHOWN: Final = 20
COUNTED_MOST: Final = 1000
_TIMEOUT: Final = "SET LOCAL statement_timeout = '2s'"
#: Lines of the audit chain looked at each time; `vitrine doctor` reads the whole chain.
_AUDIT_LINES: Final = 1000

# inbound_events_pending. A change of the pause excuses what waited for it for as long again.
INBOUND_OVERDUE: Final[LiteralString] = """
SELECT e.id::text FROM inbound_events e
  JOIN conversations c ON c.id = e.conversation_id JOIN contacts p ON p.id = c.contact_id
 WHERE e.worked_at IS NULL AND e.conversation_id IS NOT NULL AND e.left_at IS NULL
   AND e.received_at < now() - interval '5 minutes'
   AND c.mode IN ('agent', 'closed') AND c.merged_into IS NULL AND p.ai_consent <> 'refused'
   AND NOT EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused')
   AND NOT EXISTS (SELECT 1 FROM audit WHERE target = 'switch/ai_paused'
                      AND at > now() - interval '5 minutes')
"""

# inbound_events_unresolved.
UNRESOLVED_OVERDUE: Final[LiteralString] = """
SELECT id::text FROM inbound_events
 WHERE worked_at IS NULL AND conversation_id IS NULL
   AND received_at < now() - interval '10 minutes'
"""

# turns_lately.
ANSWERED_TWICE: Final[LiteralString] = """
SELECT input FROM turns t, jsonb_array_elements_text(t.inputs) AS input
 WHERE t.started_at > now() - interval '1 hour' AND t.state = 'committed'
 GROUP BY input HAVING count(*) > 1
"""

# send_attempts_again; outbox_lately. A second try after a failure Meta told of later is no double.
SENT_TWICE: Final[LiteralString] = """
SELECT o.id::text FROM send_attempts a
  JOIN send_attempts b ON b.outbox_id = a.outbox_id AND b.n < a.n AND b.outcome = 'accepted'
  JOIN outbox o ON o.id = a.outbox_id
 WHERE a.n > 1 AND a.claimed_at > now() - interval '1 hour'
   AND a.outcome = 'accepted' AND NOT o.possible_duplicate
   AND NOT EXISTS (SELECT 1 FROM message_statuses s WHERE s.wamid = b.wamid AND s.status = 'failed')
UNION
SELECT min(id::text) FROM outbox
 WHERE created_at > now() - interval '1 hour' AND turn_id IS NOT NULL
   AND state = 'accepted' GROUP BY turn_id, position HAVING count(*) > 1
"""

# outbox_lately. What was merged counts as what it was merged into.
CROSSED: Final[LiteralString] = """
SELECT o.id::text FROM outbox o
  JOIN contacts receiver ON receiver.id = o.contact_id
  JOIN conversations c ON c.id = o.conversation_id JOIN contacts owner ON owner.id = c.contact_id
  JOIN messages m ON m.id = o.message_id JOIN conversations written ON written.id = m.conversation_id
  LEFT JOIN physical_numbers n ON n.phone_number_id = o.phone_number_id
 WHERE o.created_at > now() - interval '1 hour'
   AND (coalesce(receiver.merged_into, receiver.id) <> coalesce(owner.merged_into, owner.id)
        OR coalesce(written.merged_into, written.id) <> coalesce(c.merged_into, c.id)
        OR n.facade_id <> c.facade_id)
"""

# audit_lately and inbound_events_lately find the acts, messages_conversation what they concern. The
# audit's time is when the request began: what was claimed while it waited for the lock was in time.
SENT_AFTER_TAKEOVER: Final[LiteralString] = """
SELECT o.id::text FROM audit a
  JOIN messages m ON m.author = 'agent' AND m.conversation_id =
       CASE WHEN a.target LIKE 'conversation/%' THEN split_part(a.target, '/', 2)::uuid END
  JOIN outbox o ON o.message_id = m.id
 WHERE a.at > now() - interval '1 hour' AND a.details ? 'epoch'
   AND o.author = 'agent' AND o.epoch < (a.details ->> 'epoch')::bigint
   AND o.claimed_at > a.at + interval '5 seconds'
UNION
SELECT o.id::text FROM inbound_events e
  JOIN messages m ON m.author = 'agent' AND m.conversation_id = e.conversation_id
       AND m.created_at < e.worked_at
  JOIN outbox o ON o.message_id = m.id
  JOIN conversations c ON c.id = e.conversation_id
 WHERE e.received_at > now() - interval '1 hour' AND e.kind = 'echo'
   AND e.outcome = 'answered_in_app' AND o.author = 'agent' AND o.epoch < c.epoch
   AND o.claimed_at > e.worked_at + interval '1 second'
"""

# outbox_lately.
SENT_WHILE_PAUSED: Final[LiteralString] = """
SELECT o.id::text FROM switches s JOIN outbox o ON o.author = 'agent'
   AND o.created_at > now() - interval '1 day'
   AND o.claimed_at > s.on_since + interval '1 second'
 WHERE s.name = 'ai_paused'
"""

# outbox_lately. $1, $2: the caps of an hour and of a day.
OVER_CAP: Final[LiteralString] = """
SELECT contact_id::text FROM outbox
 WHERE author = 'agent' AND created_at > now() - interval '1 day'
   AND claimed_at > now() - interval '1 day'
 GROUP BY contact_id
HAVING count(*) FILTER (WHERE claimed_at > now() - interval '1 hour') > $1::int
    OR count(*) > $2::int
"""

# outbox_lately.
UNGOVERNED: Final[LiteralString] = """
SELECT o.id::text FROM outbox o LEFT JOIN governor_decisions d ON d.id = o.decision_id
  LEFT JOIN contacts asked ON asked.id = d.contact_id
  JOIN contacts receiver ON receiver.id = o.contact_id
 WHERE o.business_initiated AND o.created_at > now() - interval '1 day'
   AND o.claimed_at IS NOT NULL
   AND (d.id IS NULL OR NOT d.allowed OR o.claimed_at > d.valid_until + interval '1 second'
        OR coalesce(asked.merged_into, asked.id) <> coalesce(receiver.merged_into, receiver.id))
"""

# outbox_due. $1: how long one POST may take.
CLAIM_OVERDUE: Final[LiteralString] = """
SELECT id::text FROM outbox
 WHERE state = 'claimed' AND claimed_at < now() - $1::interval - interval '1 minute'
"""

# outbox_due, outbox_unsettled. What stands behind another unsettled row waits for that one, which is
# judged by itself; business-initiated rows give way for as long as it takes.
QUEUED_OVERDUE: Final[LiteralString] = """
SELECT o.id::text FROM outbox o JOIN conversations c ON c.id = o.conversation_id
  LEFT JOIN physical_numbers n
    ON n.phone_number_id = coalesce(o.phone_number_id, thread_number_v1(c))
 WHERE o.state = 'queued' AND o.not_before < now() - interval '5 minutes'
   AND o.created_at < now() - interval '5 minutes' AND NOT o.business_initiated
   AND coalesce(n.state IN ('active', 'draining') AND n.health NOT IN ('paused', 'banned'), true)
   AND NOT (o.author = 'agent' AND (
        EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused')
        OR EXISTS (SELECT 1 FROM audit WHERE target = 'switch/ai_paused'
                      AND at > now() - interval '5 minutes')))
   AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.conversation_id = o.conversation_id
        AND b.seq < o.seq AND b.state IN ('queued', 'claimed', 'unknown')
        AND NOT (o.author = 'operator' AND b.author = 'agent' AND b.state = 'unknown'))
"""

# outbox_due. $1: the grace, which counts only while webhooks are received.
UNKNOWN_OVERDUE: Final[LiteralString] = """
SELECT id::text FROM outbox
 WHERE state = 'unknown' AND not_before < now() - interval '2 minutes'
   AND (SELECT min(started_at) FROM actor_beats
         WHERE kind = 'webhook' AND beat_at > now() - interval '15 seconds')
       < now() - $1::interval - interval '2 minutes'
"""

# message_statuses_lately.
STATUS_BACKWARDS: Final[LiteralString] = """
SELECT DISTINCT m.id::text FROM message_statuses s
  JOIN messages m ON m.wamid = s.wamid AND m.direction = 'outbound'
 WHERE s.received_at > now() - interval '1 hour' AND s.applied_at IS NOT NULL
   AND status_rank_v1(s.status) > status_rank_v1(m.status)
"""

# handoffs_one_open: only while that index stands can this never happen.
HANDOFF_DOUBLED: Final[LiteralString] = """
SELECT conversation_id::text FROM handoffs WHERE state IN ('queued', 'accepted')
 GROUP BY conversation_id HAVING count(*) > 1
"""

# inbound_events_pending.
OPERATOR_UNASSIGNED: Final[LiteralString] = """
SELECT DISTINCT c.id::text FROM inbound_events e JOIN conversations c ON c.id = e.conversation_id
 WHERE e.worked_at IS NULL AND e.conversation_id IS NOT NULL AND e.kind = 'message'
   AND e.received_at < now() - interval '4 hours'
   AND c.mode = 'operator' AND c.assignee_id IS NULL AND c.merged_into IS NULL
"""

# timers_due.
TIMER_OVERDUE: Final[LiteralString] = """
SELECT id::text FROM timers WHERE due_at < now() - interval '1 minute'
"""

# A few dozen rows.
ACTOR_SILENT: Final[LiteralString] = """
WITH alive AS (
    SELECT name, kind FROM actor_beats WHERE beat_at > now() - interval '20 seconds'
), wanted AS (
    SELECT DISTINCT 'conversations/' || shard AS name FROM shard_buckets
    UNION ALL VALUES ('number_pool'), ('sender'), ('clock')
)
SELECT name FROM wanted WHERE name NOT IN (SELECT name FROM alive)
UNION ALL
SELECT kind FROM (VALUES ('webhook'), ('api')) AS replicas(kind)
 WHERE kind NOT IN (SELECT kind FROM alive)
"""

# A few dozen rows of at most 200 residents.
OWNED_TWICE: Final[LiteralString] = """
SELECT r ->> 'id' FROM actor_beats b, jsonb_array_elements(b.residents) AS r
 WHERE b.beat_at > now() - interval '20 seconds' AND r ->> 'state' = 'turn'
 GROUP BY 1 HAVING count(*) > 1
"""

# inbound_events_unparsed.
UNPARSED: Final[LiteralString] = """
SELECT id::text FROM inbound_events
 WHERE kind = 'unparsed' AND received_at > now() - interval '1 hour'
"""

# door_refusals, by its key: the minutes in which the total grew.
SIGNATURE_REFUSED: Final[LiteralString] = """
SELECT to_char(minute AT TIME ZONE 'UTC', 'HH24:MI"Z"') || ' × ' || came FROM (
    SELECT minute, total - lag(total) OVER (ORDER BY minute) AS came, max(total) OVER () AS newest,
           min(total) OVER () AS oldest
      FROM door_refusals WHERE minute > now() - interval '16 minutes') AS lately
 WHERE came > 0 AND newest - oldest >= 5
"""

# The newest message is found from the end; inbound_events_lately. "Usually": at least ten messages in these three hours of the week, in three
# of the last four weeks; so nights, Sundays and a young house are no alarm.
SILENCE: Final[LiteralString] = """
SELECT 'webhook' WHERE (
    SELECT received_at FROM inbound_events WHERE kind = 'message' ORDER BY seq DESC LIMIT 1
   ) <= now() - interval '3 hours'
   AND (SELECT count(*) FROM generate_series(1, 4) AS ago, LATERAL (
            SELECT count(*) AS n FROM (
                SELECT 1 FROM inbound_events e WHERE e.kind = 'message'
                   AND e.received_at > now() - ago * interval '7 days' - interval '3 hours'
                   AND e.received_at <= now() - ago * interval '7 days'
                 LIMIT 10) AS one) AS week WHERE week.n = 10) >= 3
"""

_N = InvariantName
QUERIES: Final[Mapping[InvariantName, LiteralString]] = MappingProxyType(
    {
        _N.INBOUND_OVERDUE: INBOUND_OVERDUE,
        _N.UNRESOLVED_OVERDUE: UNRESOLVED_OVERDUE,
        _N.ANSWERED_TWICE: ANSWERED_TWICE,
        _N.SENT_TWICE: SENT_TWICE,
        _N.CROSSED: CROSSED,
        _N.SENT_AFTER_TAKEOVER: SENT_AFTER_TAKEOVER,
        _N.SENT_WHILE_PAUSED: SENT_WHILE_PAUSED,
        _N.OVER_CAP: OVER_CAP,
        _N.UNGOVERNED: UNGOVERNED,
        _N.CLAIM_OVERDUE: CLAIM_OVERDUE,
        _N.QUEUED_OVERDUE: QUEUED_OVERDUE,
        _N.UNKNOWN_OVERDUE: UNKNOWN_OVERDUE,
        _N.STATUS_BACKWARDS: STATUS_BACKWARDS,
        _N.HANDOFF_DOUBLED: HANDOFF_DOUBLED,
        _N.OPERATOR_UNASSIGNED: OPERATOR_UNASSIGNED,
        _N.TIMER_OVERDUE: TIMER_OVERDUE,
        _N.ACTOR_SILENT: ACTOR_SILENT,
        _N.OWNED_TWICE: OWNED_TWICE,
        _N.UNPARSED: UNPARSED,
        _N.SIGNATURE_REFUSED: SIGNATURE_REFUSED,
        _N.SILENCE: SILENCE,
    }
)
_ARGUMENTS: Final[Mapping[InvariantName, tuple[object, ...]]] = MappingProxyType(
    {
        _N.OVER_CAP: (limits.AGENT_MESSAGES_PER_HOUR, limits.AGENT_MESSAGES_PER_DAY),
        _N.CLAIM_OVERDUE: (limits.SEND_TIMEOUT + limits.CLAIM_MARGIN,),
        _N.UNKNOWN_OVERDUE: (limits.UNKNOWN_GRACE,),
    }
)

# What could not be judged keeps the figures of the last time it could.
SAVE: Final[LiteralString] = """
INSERT INTO invariant_findings AS f (name, violations, ids, since, unchecked)
VALUES ($1, $2, $3, CASE WHEN $2 > 0 THEN clock_timestamp() END, $4)
ON CONFLICT (name) DO UPDATE SET
    violations = CASE WHEN $4::text IS NULL THEN $2 ELSE f.violations END,
    ids = CASE WHEN $4::text IS NULL THEN $3 ELSE f.ids END,
    since = CASE WHEN $4::text IS NOT NULL THEN f.since
                 WHEN $2 > 0 THEN coalesce(f.since, clock_timestamp()) END,
    unchecked = $4, checked_at = clock_timestamp()
"""

LIST: Final[LiteralString] = """
SELECT name, violations, ids, since, unchecked, checked_at,
       clock_timestamp() - checked_at AS age FROM invariant_findings ORDER BY name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """What the clock found last. `since`: when it began, None while the sentence holds."""

    name: str
    violations: int
    ids: list[str]
    since: datetime | None
    unchecked: str | None
    checked_at: datetime
    age: timedelta


class Invariants:
    """Asks whether the sentences hold, and keeps what was found for screens and scrapers."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def look(self, name: InvariantName, *, audit_lines: int | None = _AUDIT_LINES) -> Finding:
        """One sentence against the database as it is now; a query that takes too long says so.

        `audit_lines` None reads the whole chain, however long that takes.
        """
        try:
            async with self._pool.acquire() as db, db.transaction(readonly=True):
                if name is InvariantName.AUDIT_BROKEN:
                    return await _look_at_audit(db, audit_lines)
                await db.execute(_TIMEOUT)
                rows = await db.fetch(
                    f"{QUERIES[name]} LIMIT {COUNTED_MOST}",
                    *_ARGUMENTS.get(name, ()),
                )
        except asyncpg.QueryCanceledError:
            return Finding(name=name, unchecked="a consulta passou de 2 s")
        return Finding(
            name=name, violations=len(rows), ids=tuple(row[0] for row in rows[:IDS_SHOWN])
        )

    async def save(self, finding: Finding) -> None:
        await self._pool.execute(
            SAVE, finding.name, finding.violations, list(finding.ids), finding.unchecked
        )

    async def list_findings(self) -> list[StoredFinding]:
        """One per sentence once the clock has looked; the age says whether it still looks."""
        return [StoredFinding(**dict(row)) for row in await self._pool.fetch(LIST)]


async def _look_at_audit(db: audit.Connection, lines: int | None) -> Finding:
    if lines is not None:
        await db.execute(_TIMEOUT)
    breaks = await audit.list_breaks(db, last=lines)
    return Finding(
        name=InvariantName.AUDIT_BROKEN,
        violations=sum(one.lines for one in breaks),
        ids=tuple(f"{one.what} {one.seq}" for one in breaks[:IDS_SHOWN]),
    )
