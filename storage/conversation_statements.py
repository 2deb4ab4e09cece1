"""The SQL of a turn: what it reads in one round trip, and the one statement that commits it."""

from __future__ import annotations

from typing import Final, LiteralString

LOAD: Final[LiteralString] = """
SELECT c.id, c.facade_id, c.contact_id, c.mode, c.epoch, c.version, c.sticky_number,
       c.last_inbound_number, c.assignee_id, c.score, c.state, c.origin,
       coalesce(n.state, 'active') AS number_state, coalesce(n.health, 'healthy') AS number_health,
       coalesce(n.messages_per_second, 80) AS messages_per_second,
       p.name, p.company, p.profile, ai_consent_v1(p) AS ai_consent,
       p.right_party_confirmed_at IS NOT NULL AS right_party,
       (SELECT coalesce(i.wa_id, i.value) FROM channel_identities i WHERE i.contact_id = c.contact_id
           AND i.kind = 'phone' AND i.superseded_at IS NULL ORDER BY i.first_seen_at DESC LIMIT 1) AS phone,
       EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused') AS ai_paused,
       EXISTS (SELECT 1 FROM switches WHERE name = 'day_money_spent') AS day_is_spent,
       (SELECT coalesce(sum(t.cost_micros), 0)::bigint FROM turns t WHERE t.conversation_id = c.id
           AND t.started_at > now() - interval '24 hours') AS spent_micros,
       (SELECT count(*) FROM operators WHERE online_until > now()) AS operators_online,
       (SELECT count(*) FROM handoffs WHERE state = 'queued') AS queue_length,
       clock_timestamp() AS db_now,
       (SELECT array[count(*) FILTER (WHERE o.claimed_at > now() - interval '1 hour'), count(*)]
          FROM outbox o WHERE o.contact_id = c.contact_id AND o.author = 'agent'
           AND o.claimed_at > now() - interval '1 day') AS spoken,
       (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.seq) FROM (
           SELECT e.seq, e.id, e.kind, e.payload, e.attempts, e.message_id, e.wamid, e.phone_number_id, e.sent_at,
                  e.received_at, e.left_at IS NOT NULL AS left,
                  coalesce(m.content, '{}') AS content, coalesce(m.body, '') AS body
             FROM inbound_events e LEFT JOIN messages m ON m.id = e.message_id
            WHERE e.conversation_id = c.id AND e.worked_at IS NULL
            ORDER BY e.seq LIMIT $2) e) AS pending,
       (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.seq) FROM (
           SELECT m.seq, m.id, m.author, m.body, m.sent_at, m.status, m.wamid, o.name AS operator_name
             FROM messages m LEFT JOIN operators o ON o.id = m.operator_id
            WHERE m.conversation_id = c.id AND m.status <> 'withdrawn'
            ORDER BY m.seq DESC LIMIT $3) h) AS history,
       (SELECT jsonb_agg(jsonb_build_array(t.author, t.body, t.at) ORDER BY t.at) FROM (
           SELECT author, body, at FROM notes WHERE conversation_id = c.id ORDER BY at DESC LIMIT 10) t) AS notes,
       (SELECT jsonb_agg(jsonb_build_array(s.subject, s.at) ORDER BY s.at) FROM scheduled_calls s
         WHERE s.conversation_id = c.id AND s.at > now()) AS calls,
       (SELECT jsonb_build_object('id', h.id, 'reason', h.reason, 'priority', h.priority,
                'silence', h.silence, 'state', h.state, 'queued_at', h.queued_at, 'position',
                CASE WHEN h.state = 'queued' THEN (SELECT count(*) FROM handoffs q
                     WHERE q.state = 'queued' AND q.queued_at <= h.queued_at) END)
          FROM handoffs h WHERE h.conversation_id = c.id AND h.state IN ('queued', 'accepted')) AS handoff,
       (SELECT jsonb_build_object('id', k.id, 'purpose', k.purpose, 'subject', k.subject)
          FROM cases k WHERE k.conversation_id = c.id AND k.active) AS active_case,
       (SELECT o.serving FROM own_actors o WHERE o.conversation_id = c.id) AS own_serves,
       (SELECT b.shard FROM shard_buckets b WHERE b.bucket = c.bucket) AS shard,
       (SELECT l.incarnation FROM owner_leases l WHERE l.name = $4) AS incarnation
  FROM conversations c
  JOIN contacts p ON p.id = c.contact_id
  LEFT JOIN physical_numbers n ON n.phone_number_id = thread_number_v1(c)
 WHERE c.id = $1 AND c.merged_into IS NULL
"""

FIND_MERGED: Final[LiteralString] = "SELECT merged_into FROM conversations WHERE id = $1"

# The fenced transaction of protocol 4.1 as one statement: when the compare-and-set finds nothing,
# every other part writes nothing. What supersedes a draft is a message or GUIDANCE of domain/conversation.py.
COMMIT: Final[LiteralString] = """
WITH cas AS (
    UPDATE conversations c SET
        version = c.version + 1, mode = coalesce($6, c.mode),
        state = coalesce($7::jsonb, c.state), score = coalesce($8::real, c.score),
        sticky_number = CASE WHEN c.last_inbound_number IS NULL THEN coalesce($9, c.sticky_number)
                             ELSE c.sticky_number END,
        sticky_reason = CASE WHEN $9::text IS NULL OR c.last_inbound_number IS NOT NULL
                             THEN c.sticky_reason ELSE $10 END,
        cost_micros = c.cost_micros + $11::bigint,
        last_message_at = CASE WHEN $12::bool THEN clock_timestamp() ELSE c.last_message_at END,
        last_message_id = coalesce($13::uuid, c.last_message_id),
        updated_at = clock_timestamp()
     WHERE c.id = $1 AND c.version = $2 AND c.epoch = $3
       AND ($4::bigint IS NULL OR NOT EXISTS (
            SELECT 1 FROM inbound_events e WHERE e.conversation_id = $1 AND e.worked_at IS NULL
               AND e.seq > $4 AND e.kind IN ('message', 'whisper', 'note', 'qualify', 'schedule')))
    RETURNING c.id, c.contact_id, c.epoch
), worked AS (
    UPDATE inbound_events e SET worked_at = clock_timestamp(), outcome = $15,
           turn_id = ($16::jsonb ->> 'id')::uuid
      FROM cas WHERE e.seq = ANY ($14::bigint[]) AND e.worked_at IS NULL
), turn AS (
    INSERT INTO turns (id, conversation_id, epoch, version, state, playbook, inputs, context, reply,
        model_calls, tools, guardrails, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, cost_micros, latency, outcome, actor, started_at)
    SELECT (t ->> 'id')::uuid, cas.id, $3, $2, t ->> 'state', t ->> 'playbook', t -> 'inputs',
           t -> 'context', nullif(t -> 'reply', 'null'), t -> 'model_calls', t -> 'tools',
           t -> 'guardrails', (t ->> 'input_tokens')::int, (t ->> 'output_tokens')::int,
           (t ->> 'cache_read_tokens')::int, (t ->> 'cache_write_tokens')::int,
           (t ->> 'cost_micros')::bigint, t -> 'latency', t ->> 'outcome', t -> 'actor',
           (t ->> 'started_at')::timestamptz
      FROM cas, (SELECT $16::jsonb AS t) j WHERE t IS NOT NULL
), drafts AS (
    SELECT d.* FROM cas, jsonb_to_recordset($17::jsonb) AS d(message_id uuid, outbox_id uuid,
        author text, content jsonb, text text, position int, carries_money bool, reply_to_wamid text)
), shown AS (
    INSERT INTO messages (id, conversation_id, direction, author, content, body, status,
        reply_to_wamid, turn_id)
    SELECT d.message_id, $1, 'outbound', d.author, d.content, d.text, 'queued', d.reply_to_wamid,
           ($16::jsonb ->> 'id')::uuid FROM drafts d ORDER BY d.position
    RETURNING id
), queued AS (
    INSERT INTO outbox (id, conversation_id, contact_id, message_id, turn_id, position, author,
        epoch, content, reply_to_wamid, carries_money)
    SELECT d.outbox_id, $1, cas.contact_id, d.message_id, ($16::jsonb ->> 'id')::uuid, d.position,
           d.author, cas.epoch, d.content, d.reply_to_wamid, d.carries_money
      FROM drafts d, cas ORDER BY d.position
), noted AS (
    INSERT INTO notes (id, conversation_id, turn_id, author, body)
    SELECT n.id, $1, ($16::jsonb ->> 'id')::uuid, 'agent', n.body
      FROM cas, jsonb_to_recordset($18::jsonb) AS n(id uuid, body text)
), called AS (
    INSERT INTO scheduled_calls (id, conversation_id, turn_id, subject, at)
    SELECT s.id, $1, ($16::jsonb ->> 'id')::uuid, s.subject, s.at
      FROM cas, jsonb_to_recordset($19::jsonb) AS s(id uuid, subject text, at timestamptz)
), handed AS (
    INSERT INTO handoffs (id, conversation_id, reason, priority, silence, brief, raised_by)
    SELECT h.id, $1, h.reason, h.priority, h.silence, h.brief, h.raised_by
      FROM cas, jsonb_to_recordset($20::jsonb) AS h(id uuid, reason text, priority text,
           silence text, brief jsonb, raised_by text)
    ON CONFLICT (conversation_id) WHERE state IN ('queued', 'accepted') DO NOTHING
), consented AS (
    INSERT INTO consents (id, contact_id, purpose, state, text_version, channel,
        asked_message_id, answer_event_id)
    SELECT k.id, cas.contact_id, 'ai', k.state, k.text_version, 'whatsapp', k.asked_message_id,
           k.answer_event_id
      FROM cas, jsonb_to_recordset($21::jsonb) AS k(id uuid, state text, text_version text,
           asked_message_id uuid, answer_event_id uuid)
    RETURNING contact_id, state
), woken AS (
    UPDATE inbound_events e SET left_at = NULL FROM consented k, conversations c
     WHERE k.state = 'granted' AND c.contact_id = k.contact_id AND e.conversation_id = c.id
       AND e.worked_at IS NULL AND e.left_at IS NOT NULL AND e.seq <> ALL ($14::bigint[])
), person AS (
    UPDATE contacts p SET
        ai_consent = coalesce((SELECT state FROM consented), p.ai_consent),
        contactability_version = p.contactability_version
            + (SELECT count(*) FROM consented WHERE state IN ('granted', 'refused')),
        name = coalesce($5::jsonb ->> 'name', p.name),
        company = coalesce($5::jsonb ->> 'company', p.company),
        profile = p.profile || ($5::jsonb - 'name' - 'company'),
        updated_at = clock_timestamp()
      FROM cas WHERE p.id = cas.contact_id
       AND ($5::jsonb <> '{}' OR EXISTS (SELECT 1 FROM consented))
)
SELECT count(*) AS won,
       EXISTS (SELECT 1 FROM inbound_events e WHERE e.conversation_id = $1 AND e.worked_at IS NULL
                  AND e.seq <> ALL ($14::bigint[])) AS pending
  FROM cas
"""

IS_NEWER: Final[LiteralString] = """
SELECT c.epoch, c.version,
       EXISTS (SELECT 1 FROM inbound_events e WHERE e.conversation_id = c.id AND e.worked_at IS NULL
                  AND e.kind IN ('message', 'whisper', 'note', 'qualify', 'schedule') AND e.seq > $2) AS newer
  FROM conversations c WHERE c.id = $1
"""

RECORD_TURN: Final[LiteralString] = """
WITH t AS (SELECT $2::jsonb AS t), cost AS (
    UPDATE conversations SET cost_micros = cost_micros + (t.t ->> 'cost_micros')::bigint FROM t
     WHERE id = $1
)
INSERT INTO turns (id, conversation_id, epoch, version, state, playbook, inputs, context, reply,
    model_calls, tools, guardrails, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, cost_micros, latency, outcome, actor, started_at)
SELECT (t ->> 'id')::uuid, $1, $3, $4, t ->> 'state', t ->> 'playbook', t -> 'inputs',
       t -> 'context', nullif(t -> 'reply', 'null'), t -> 'model_calls', t -> 'tools',
       t -> 'guardrails', (t ->> 'input_tokens')::int, (t ->> 'output_tokens')::int,
       (t ->> 'cache_read_tokens')::int, (t ->> 'cache_write_tokens')::int,
       (t ->> 'cost_micros')::bigint, t -> 'latency', t ->> 'outcome', t -> 'actor',
       (t ->> 'started_at')::timestamptz FROM t
ON CONFLICT (id) DO NOTHING
"""

COUNT_FAILURE: Final[LiteralString] = """
UPDATE inbound_events SET attempts = attempts + 1
 WHERE conversation_id = $1 AND worked_at IS NULL
"""

LEAVE_WAITING: Final[LiteralString] = """
UPDATE inbound_events SET left_at = clock_timestamp()
 WHERE conversation_id = $1 AND seq = ANY ($2::bigint[]) AND worked_at IS NULL
"""

# A conversation nobody works: pending events that nobody left waiting on purpose. While the AI is
# paused they all wait; afterwards they are rung in groups, the longest waiting first, so that resuming is
# no flood and nobody is passed over.
LIST_UNWORKED: Final[LiteralString] = """
SELECT e.conversation_id AS id
  FROM inbound_events e JOIN conversations c ON c.id = e.conversation_id
 WHERE e.worked_at IS NULL AND e.left_at IS NULL
   AND e.received_at < clock_timestamp() - $1::interval
   AND NOT EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused')
   AND ($2::int[] IS NULL OR c.bucket = ANY ($2))
 GROUP BY e.conversation_id ORDER BY min(e.seq) LIMIT $3
"""
