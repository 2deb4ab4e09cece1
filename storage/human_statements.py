"""The SQL of what people do to a conversation. Every act locks the conversation's row first."""

from __future__ import annotations

from typing import Final, LiteralString

# The claim takes the same lock, so an act is before it (the row is withdrawn) or after it (in
# flight). The row condition is judged under the lock: a reassignment in between does not slip through.
FENCE: Final[LiteralString] = """
WITH raised AS (
    UPDATE conversations SET epoch = epoch + 1, version = version + 1, mode = $2,
           assignee_id = CASE WHEN $2 = 'muted' THEN assignee_id ELSE $3 END,
           unread_count = CASE WHEN $3::uuid IS NULL THEN unread_count ELSE 0 END,
           updated_at = clock_timestamp()
     WHERE id = $1 AND merged_into IS NULL AND ($4::uuid IS NULL OR assignee_id = $4)
    RETURNING id, epoch, handled_up_to, contact_id, thread_number_v1(conversations) AS number
), woken AS (
    UPDATE inbound_events e SET left_at = NULL FROM raised r
     WHERE $2 = 'agent' AND e.conversation_id = r.id AND e.worked_at IS NULL AND e.left_at IS NOT NULL
)
SELECT epoch, handled_up_to, contact_id, number FROM raised
"""

# For acts that raise nothing.
LOCK: Final[LiteralString] = """
SELECT epoch, contact_id FROM conversations
 WHERE id = $1 AND merged_into IS NULL AND ($2::uuid IS NULL OR assignee_id = $2) FOR NO KEY UPDATE
"""

# The conversation in which a merged-away one goes on, if this person may see it.
MERGED_INTO: Final[LiteralString] = """
SELECT k.id FROM conversations g JOIN conversations k ON k.id = g.merged_into
 WHERE g.id = $1 AND ($2::uuid IS NULL OR k.assignee_id = $2)
"""

WITHDRAW_DRAFTS: Final[LiteralString] = """
WITH gone AS (
    UPDATE outbox SET state = 'withdrawn', reason = 'fenced', settled_at = clock_timestamp()
     WHERE conversation_id = $1 AND author = 'agent' AND state = 'queued' RETURNING message_id
)
UPDATE messages m SET status = 'withdrawn', status_at = clock_timestamp(),
       error = '{"reason": "fenced"}' FROM gone WHERE m.id = gone.message_id
"""

IN_FLIGHT: Final[LiteralString] = """
SELECT message_id FROM outbox
 WHERE conversation_id = $1 AND author = 'agent' AND state IN ('claimed', 'unknown') ORDER BY seq
"""

# What the customer wrote up to $2 (all of it when null) was dealt with by the person. A whisper is
# for the AI's next turn, whoever answers meanwhile.
HANDLE: Final[LiteralString] = """
WITH newest AS (
    SELECT coalesce(max(seq), 0) AS seq FROM inbound_events WHERE conversation_id = $1
), border AS (
    SELECT least(coalesce($2::bigint, newest.seq), newest.seq) AS seq FROM newest
), worked AS (
    UPDATE inbound_events e SET worked_at = clock_timestamp(), outcome = $3 FROM border
     WHERE e.conversation_id = $1 AND e.worked_at IS NULL AND e.seq <= border.seq
       AND e.kind <> 'whisper'
)
UPDATE conversations SET handled_up_to = greatest(handled_up_to, border.seq) FROM border
 WHERE id = $1 RETURNING handled_up_to
"""

# The arrival number up to and with this message; a message of ours stands where it was written.
BORDER_OF_MESSAGE: Final[LiteralString] = """
SELECT coalesce((SELECT max(e.seq) FROM inbound_events e JOIN messages x ON x.id = e.message_id
                  WHERE e.conversation_id = $1 AND x.seq <= m.seq), 0)
  FROM messages m WHERE m.id = $2 AND m.conversation_id = $1
"""

WINDOW_IS_OPEN: Final[LiteralString] = """
SELECT EXISTS (SELECT 1 FROM service_windows
                WHERE contact_id = $1 AND phone_number_id = $2 AND open_until > clock_timestamp())
"""

INSERT_MESSAGE: Final[LiteralString] = """
INSERT INTO messages (id, conversation_id, direction, author, operator_id, content, body, status)
VALUES ($1, $2, 'outbound', 'operator', $3, $4, $5, 'queued')
"""

INSERT_ROW: Final[LiteralString] = """
INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content)
VALUES ($1, $2, $3, $4, 'operator', $5, $6)
"""

TOUCH: Final[LiteralString] = """
UPDATE conversations SET last_message_id = $2, last_message_at = clock_timestamp(),
       updated_at = clock_timestamp() WHERE id = $1
"""

ACCEPT_HANDOFF: Final[LiteralString] = """
UPDATE handoffs SET state = 'accepted', accepted_at = clock_timestamp(), accepted_by = $2
 WHERE conversation_id = $1 AND state = 'queued'
"""

END_HANDOFF: Final[LiteralString] = """
UPDATE handoffs SET state = $2, ended_at = clock_timestamp()
 WHERE conversation_id = $1 AND state IN ('queued', 'accepted')
"""

RAISE_HANDOFF: Final[LiteralString] = """
INSERT INTO handoffs (id, conversation_id, reason, priority, raised_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (conversation_id) WHERE state IN ('queued', 'accepted')
DO UPDATE SET reason = excluded.reason, priority = excluded.priority
RETURNING id
"""

FILE_EVENT: Final[LiteralString] = """
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp())
"""

INSERT_NOTE: Final[LiteralString] = """
INSERT INTO notes (id, conversation_id, author, body)
SELECT $1, $2, o.name, $4 FROM operators o WHERE o.id = $3
"""

SET_SCORE: Final[LiteralString] = """
UPDATE conversations SET score = $2, version = version + 1, updated_at = clock_timestamp()
 WHERE id = $1
"""

INSERT_CALL: Final[LiteralString] = """
INSERT INTO scheduled_calls (id, conversation_id, subject, at) VALUES ($1, $2, $3, $4)
"""

# Not `version`: reading changes nothing a turn depends on.
MARK_READ: Final[LiteralString] = """
UPDATE conversations SET unread_count = 0 WHERE id = $1 AND unread_count > 0 RETURNING id
"""

OPERATOR_EXISTS: Final[LiteralString] = "SELECT 1 FROM operators WHERE id = $1 AND active"

CONVERSATION_OF_MESSAGE: Final[LiteralString] = (
    "SELECT conversation_id FROM messages WHERE id = $1 AND direction = 'outbound'"
)

PARKED_ROW: Final[LiteralString] = """
SELECT o.id, o.reason, o.attempts, o.content ->> 'kind' AS kind,
       coalesce(o.phone_number_id, thread_number_v1(c)) AS number
  FROM outbox o JOIN conversations c ON c.id = o.conversation_id
 WHERE o.message_id = $1 AND o.state = 'parked' FOR UPDATE OF o
"""

# A person wants it out: the row is theirs from now on, so it carries today's epoch.
RESEND: Final[LiteralString] = """
WITH again AS (
    UPDATE outbox SET state = 'queued', reason = 'resent_by_person', epoch = $2,
           possible_duplicate = possible_duplicate OR attempts > 0,
           not_before = clock_timestamp(), settled_at = NULL WHERE id = $1 RETURNING message_id
)
UPDATE messages m SET status = 'queued', status_at = clock_timestamp(), error = NULL
  FROM again WHERE m.id = again.message_id
"""

ARRIVED: Final[LiteralString] = """
WITH seen AS (
    UPDATE outbox SET state = 'accepted', reason = 'confirmed_by_person',
           settled_at = clock_timestamp() WHERE id = $1 RETURNING message_id
)
UPDATE messages m SET status = 'delivered', status_at = clock_timestamp(), error = NULL
  FROM seen WHERE m.id = seen.message_id
"""
