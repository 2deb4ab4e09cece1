"""The SQL of a merge. Order of locks: conversations by id, contacts, outbox rows, then the rest.

The claim, a commit, the intake and people's acts lock the conversation first as well, and what
settles an outbox row takes the row before its message and an earlier row before a later one; so
nobody waits in a circle.
"""

from __future__ import annotations

from typing import Final, LiteralString

# With them those folded into them earlier, which will point to the new survivor.
LOCK_CONVERSATIONS: Final[LiteralString] = """
SELECT c.id, c.merged_into FROM conversations c
 WHERE c.contact_id = ANY ($1::uuid[])
    OR c.merged_into IN (SELECT id FROM conversations WHERE contact_id = ANY ($1::uuid[]))
 ORDER BY c.id FOR NO KEY UPDATE OF c
"""

LOCK_PAIR: Final[LiteralString] = """
SELECT id, contact_id, merged_into FROM conversations
 WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

LOCK_CONTACTS: Final[LiteralString] = """
SELECT id, ai_consent, merged_into FROM contacts
 WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

# Rows that may still leave in all of them ($1), if only after Meta tells that what it took did not reach
# the phone; every row of those whose rows change hands ($2).
LOCK_ROWS: Final[LiteralString] = """
SELECT count(*) FROM (
    SELECT o.id FROM outbox o WHERE o.id IN (
        SELECT id FROM outbox
         WHERE conversation_id = ANY ($1::uuid[]) AND state IN ('queued', 'claimed', 'unknown')
        UNION
        SELECT x.id FROM messages m JOIN outbox x ON x.message_id = m.id
         WHERE m.conversation_id = ANY ($1::uuid[]) AND m.direction = 'outbound'
           AND m.status IN ('accepted', 'sent', 'failed')
        UNION
        SELECT x.id FROM messages m JOIN outbox x ON x.message_id = m.id
         WHERE m.conversation_id = ANY ($2::uuid[]) AND m.direction = 'outbound')
     ORDER BY o.id FOR NO KEY UPDATE OF o) AS held
"""

READ_THREADS: Final[LiteralString] = """
SELECT c.id, c.facade_id, c.contact_id, c.mode, c.assignee_id, c.state, c.last_message_at,
       h.id AS handoff_id, h.state = 'accepted' AS handoff_accepted,
       h.priority AS handoff_priority, h.queued_at AS handoff_queued_at,
       k.id AS case_id, k.purpose AS case_purpose
  FROM conversations c
  LEFT JOIN handoffs h ON h.conversation_id = c.id AND h.state IN ('queued', 'accepted')
  LEFT JOIN cases k ON k.conversation_id = c.id AND k.active
 WHERE c.contact_id = ANY ($1::uuid[]) AND c.merged_into IS NULL
 ORDER BY c.id
"""

# ---- the fence

# A question whose whole answer still waited is asked again: nobody has answered it. What goes once more
# because it may have arrived is no draft: it was begun, like what is on its way.
WITHDRAW_DRAFTS: Final[LiteralString] = """
WITH gone AS (
    UPDATE outbox SET state = 'withdrawn', reason = 'merged', settled_at = clock_timestamp()
     WHERE conversation_id = ANY ($1::uuid[]) AND author = 'agent' AND state = 'queued'
       AND NOT possible_duplicate
    RETURNING message_id, turn_id
), unshown AS (
    UPDATE messages m SET status = 'withdrawn', status_at = clock_timestamp(),
           error = '{"reason": "merged"}' FROM gone WHERE m.id = gone.message_id
), unanswered AS (
    SELECT DISTINCT g.turn_id FROM gone g
     WHERE NOT EXISTS (SELECT 1 FROM messages m JOIN outbox o ON o.message_id = m.id
            WHERE m.conversation_id = ANY ($1::uuid[]) AND m.turn_id = g.turn_id
              AND m.author = 'agent' AND (o.state <> 'queued' OR o.possible_duplicate))
)
UPDATE inbound_events e SET worked_at = NULL, outcome = NULL, turn_id = NULL
  FROM unanswered u WHERE e.conversation_id = ANY ($1::uuid[]) AND e.turn_id = u.turn_id
"""

RAISE: Final[LiteralString] = """
UPDATE conversations SET epoch = epoch + 1, version = version + 1,
       updated_at = clock_timestamp() WHERE id = ANY ($1::uuid[])
"""

# Without what a person's act has fenced before, whoever has the conversation now. What Meta took is in
# flight until the phone has it: a failure may be told and tried again.
FIND_IN_FLIGHT: Final[LiteralString] = """
SELECT o.id FROM conversations c JOIN outbox o ON o.conversation_id = c.id AND o.epoch = c.epoch
 WHERE c.id = ANY ($1::uuid[]) AND o.author = 'agent'
   AND (o.state IN ('claimed', 'unknown') OR o.state = 'queued' AND o.possible_duplicate)
 UNION ALL
SELECT o.id FROM conversations c
  JOIN messages m ON m.conversation_id = c.id AND m.direction = 'outbound'
   AND m.status IN ('accepted', 'sent', 'failed')
  JOIN outbox o ON o.message_id = m.id AND o.epoch = c.epoch
 WHERE c.id = ANY ($1::uuid[]) AND o.author = 'agent' AND o.state = 'accepted'
"""

# What is on its way ($2) keeps the right to be tried again, unless a person has the conversation.
RENEW_IN_FLIGHT: Final[LiteralString] = """
UPDATE outbox o SET epoch = c.epoch FROM conversations c
 WHERE c.id = ANY ($1::uuid[]) AND o.conversation_id = c.id AND o.id = ANY ($2::uuid[])
"""

# ---- two conversations become one

END_HANDOFFS: Final[LiteralString] = """
UPDATE handoffs SET state = 'closed', ended_at = clock_timestamp()
 WHERE conversation_id = ANY ($1::uuid[]) AND state IN ('queued', 'accepted')
   AND id IS DISTINCT FROM $2::uuid
"""

REST_CASES: Final[LiteralString] = """
UPDATE cases SET active = false
 WHERE conversation_id = ANY ($1::uuid[]) AND active AND id IS DISTINCT FROM $2::uuid
"""

# `handled_up_to` is the lower one: a person of one conversation has not read the other.
UNITE: Final[LiteralString] = """
UPDATE conversations k SET
       epoch = greatest(k.epoch, g.epoch) + 1, version = greatest(k.version, g.version) + 1,
       mode = $3, assignee_id = $4, state = $5,
       handled_up_to = least(k.handled_up_to, g.handled_up_to),
       sticky_number = coalesce(k.sticky_number, g.sticky_number),
       sticky_reason = CASE WHEN k.sticky_number IS NULL THEN g.sticky_reason ELSE k.sticky_reason END,
       score = CASE WHEN $6 THEN coalesce(g.score, k.score) ELSE coalesce(k.score, g.score) END,
       origin = CASE WHEN g.created_at < k.created_at THEN g.origin ELSE k.origin END,
       created_at = least(k.created_at, g.created_at)
  FROM conversations g WHERE k.id = $1 AND g.id = $2
"""

RETIRE: Final[LiteralString] = """
UPDATE conversations SET merged_into = $1, epoch = epoch + 1, version = version + 1,
       assignee_id = NULL, sticky_number = NULL WHERE id = $2
"""

POINT_ON: Final[LiteralString] = "UPDATE conversations SET merged_into = $1 WHERE merged_into = $2"

# ---- what belongs to a conversation goes over: at the merge, and what was written to it later

# By their messages, which have the index.
MOVE_OUTBOX: Final[LiteralString] = """
UPDATE outbox o SET conversation_id = $1, contact_id = k.contact_id
  FROM messages m, conversations k
 WHERE m.conversation_id = $2 AND m.direction = 'outbound' AND o.message_id = m.id AND k.id = $1
"""

MOVE_MESSAGES: Final[LiteralString] = """
WITH held AS MATERIALIZED (
    SELECT id FROM messages WHERE conversation_id = $2 ORDER BY id FOR NO KEY UPDATE
)
UPDATE messages m SET conversation_id = $1 FROM held WHERE m.id = held.id
"""

# The same timer in both: the earlier one stays, and `decide` looks at it again when it fires.
DROP_DOUBLE_TIMERS: Final[LiteralString] = """
DELETE FROM timers t USING timers o
 WHERE t.key = o.key AND ((t.conversation_id = $1 AND o.conversation_id = $2)
                       OR (t.conversation_id = $2 AND o.conversation_id = $1))
   AND (t.due_at, t.id) > (o.due_at, o.id)
"""

# Timers before events: one that fired meanwhile left an event, which a later statement sees.
MOVE_REST: Final[tuple[LiteralString, ...]] = (
    "UPDATE timers SET conversation_id = $1 WHERE conversation_id = $2",
    # The sweeper looks at all that waits again, in case the ring is lost.
    """UPDATE inbound_events SET conversation_id = $1, left_at = NULL WHERE conversation_id = $2
           OR (conversation_id = $1 AND worked_at IS NULL AND left_at IS NOT NULL)""",
    "UPDATE turns SET conversation_id = $1 WHERE conversation_id = $2",
    "UPDATE notes SET conversation_id = $1 WHERE conversation_id = $2",
    "UPDATE scheduled_calls SET conversation_id = $1 WHERE conversation_id = $2",
    "UPDATE cases SET conversation_id = $1 WHERE conversation_id = $2",
    "UPDATE handoffs SET conversation_id = $1 WHERE conversation_id = $2",
)

ADD_UP: Final[LiteralString] = """
UPDATE conversations k SET unread_count = k.unread_count + g.unread_count,
       cost_micros = k.cost_micros + g.cost_micros, updated_at = clock_timestamp(),
       last_message_id = CASE WHEN n.newer THEN g.last_message_id ELSE k.last_message_id END,
       last_message_at = greatest(k.last_message_at, g.last_message_at),
       last_inbound_number = CASE WHEN n.newer
           THEN coalesce(g.last_inbound_number, k.last_inbound_number)
           ELSE coalesce(k.last_inbound_number, g.last_inbound_number) END,
       sticky_number = CASE WHEN n.newer
           THEN coalesce(g.last_inbound_number, k.sticky_number)
           ELSE coalesce(k.last_inbound_number, g.last_inbound_number, k.sticky_number) END
  FROM conversations g, LATERAL (SELECT g.last_message_at IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM conversations o WHERE o.id = $1 AND o.last_message_at >= g.last_message_at)) AS n(newer)
 WHERE k.id = $1 AND g.id = $2
"""

EMPTY: Final[LiteralString] = """
UPDATE conversations SET unread_count = 0, cost_micros = 0, last_message_id = NULL,
       last_message_at = NULL, last_inbound_number = NULL WHERE id = $1
"""

UNITE_WINDOWS: Final[LiteralString] = """
WITH closed AS (DELETE FROM service_windows WHERE contact_id = $2 RETURNING phone_number_id, open_until)
INSERT INTO service_windows (contact_id, phone_number_id, open_until)
SELECT $1, phone_number_id, open_until FROM closed ORDER BY phone_number_id
ON CONFLICT (contact_id, phone_number_id)
DO UPDATE SET open_until = greatest(service_windows.open_until, excluded.open_until)
"""

# ---- two contacts become one

# The same scope suppressed twice: the kept contact's stands, the other stays where it was as a record.
MOVE_OF_CONTACT: Final[tuple[LiteralString, ...]] = (
    "UPDATE channel_identities SET contact_id = $1 WHERE contact_id = $2 AND superseded_at IS NULL",
    "UPDATE consents SET contact_id = $1 WHERE contact_id = $2",
    """
UPDATE suppressions s SET contact_id = $1
 WHERE contact_id = $2 AND NOT (lifted_at IS NULL AND EXISTS (
       SELECT 1 FROM suppressions k
        WHERE k.contact_id = $1 AND k.scope = s.scope AND k.lifted_at IS NULL))
""",
    """
UPDATE governor_decisions d SET contact_id = $1, conversation_id = coalesce(
       (SELECT c.merged_into FROM conversations c WHERE c.id = d.conversation_id), d.conversation_id)
 WHERE contact_id = $2
""",
)

# Beyond both versions: a decision about either of them is over.
UNITE_CONTACT: Final[LiteralString] = """
UPDATE contacts k SET
       name = CASE WHEN k.name = '' THEN g.name ELSE k.name END,
       company = CASE WHEN k.company = '' THEN g.company ELSE k.company END,
       profile = g.profile || k.profile, ai_consent = $3, right_party_confirmed_at = NULL,
       contactability_version = greatest(k.contactability_version, g.contactability_version) + 1,
       created_at = least(k.created_at, g.created_at), updated_at = clock_timestamp()
  FROM contacts g WHERE k.id = $1 AND g.id = $2
"""

RETIRE_CONTACT: Final[LiteralString] = """
UPDATE contacts SET merged_into = $1, right_party_confirmed_at = NULL,
       contactability_version = contactability_version + 1, updated_at = clock_timestamp()
 WHERE id = $2 OR merged_into = $2
"""

GIVE_OUTBOX: Final[LiteralString] = """
UPDATE outbox o SET contact_id = $1 FROM messages m
 WHERE m.conversation_id = ANY ($2::uuid[]) AND m.direction = 'outbound' AND o.message_id = m.id
"""

# Last of all: a conversation that gets another contact is locked for whoever refers to it.
GIVE_CONVERSATIONS: Final[LiteralString] = (
    "UPDATE conversations SET contact_id = $1 WHERE id = ANY ($2::uuid[])"
)

# An answer from the phone app that fenced the conversation it was still written to, and not where it goes.
HAS_ECHO: Final[LiteralString] = """
SELECT EXISTS (SELECT 1 FROM inbound_events
                WHERE conversation_id = $1 AND kind = 'echo' AND worked_at IS NULL)
"""

FENCE_BY_ECHO: Final[LiteralString] = """
WITH fenced AS (
    UPDATE conversations SET epoch = epoch + 1, version = version + 1, mode = 'operator'
     WHERE id = $1 RETURNING id, epoch
)
SELECT fence_by_echo_v1(id, epoch) FROM fenced
"""

FIND_CURRENT: Final[LiteralString] = (
    "SELECT coalesce(merged_into, id) FROM conversations WHERE id = $1"
)
