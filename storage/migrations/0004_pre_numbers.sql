-- What a person wishes of a number is apart from what the pool judges of it; an account's standing at Meta
-- is kept; processes add up what they count.

ALTER TABLE accounts
    ADD COLUMN standing text NOT NULL DEFAULT 'good'
        CHECK (standing IN ('good', 'restricted', 'disabled')),
    ADD COLUMN standing_reason text NOT NULL DEFAULT '',
    ADD COLUMN standing_until timestamptz,
    ADD COLUMN standing_at timestamptz;

ALTER TABLE physical_numbers
    ADD COLUMN wish text NOT NULL DEFAULT 'active'
        CHECK (wish IN ('active', 'draining', 'disabled')),
    ADD COLUMN activated_at timestamptz,
    ADD COLUMN replies_only boolean NOT NULL DEFAULT false;
UPDATE physical_numbers SET wish = state WHERE state IN ('draining', 'disabled');

CREATE TABLE counter_totals (
    sample text NOT NULL,
    labels text NOT NULL DEFAULT '{}',
    value double precision NOT NULL,
    PRIMARY KEY (sample, labels)
);

-- The conversation's lowest waiting row with its address, claimed if it may leave now by p_number.
-- 'other_lane' names the lane it would leave by: the caller paces there first and asks again; what we
-- begin must have been paced as such (p_begun). Nothing that we begin leaves by a number that may only reply: it is withdrawn.
CREATE FUNCTION claim_next_v1(
    p_conversation uuid, p_attempt uuid, p_number text, p_begun boolean, p_sender text,
    p_hour_cap integer, p_day_cap integer, p_sent_wait interval
) RETURNS TABLE (
    verdict text, attempt_n integer, retry_after interval, id uuid, contact_id uuid,
    message_id uuid, content jsonb, reply_to_wamid text, phone_number_id text,
    number_reason text, messages_per_second integer, business_initiated boolean,
    wa_id text, bsuid text
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    usable boolean;
    withheld boolean;
    at timestamptz;
BEGIN
    SELECT o.id, o.contact_id, o.message_id, o.content, o.reply_to_wamid, n.phone_number_id,
           c.sticky_reason, coalesce(n.messages_per_second, 80),
           coalesce(n.state IN ('active', 'draining') AND n.health NOT IN ('banned', 'paused'), false),
           o.business_initiated, o.business_initiated AND coalesce(n.replies_only, false),
           (SELECT coalesce(i.wa_id, i.value) FROM channel_identities i
             WHERE i.contact_id = o.contact_id AND i.kind = 'phone' AND i.superseded_at IS NULL
             ORDER BY i.first_seen_at DESC LIMIT 1),
           (SELECT i.value FROM channel_identities i
             WHERE i.contact_id = o.contact_id AND i.kind = 'bsuid' AND i.superseded_at IS NULL
             ORDER BY i.first_seen_at DESC LIMIT 1)
      INTO id, contact_id, message_id, content, reply_to_wamid, phone_number_id, number_reason,
           messages_per_second, usable, business_initiated, withheld, wa_id, bsuid
      FROM outbox o
      JOIN conversations c ON c.id = o.conversation_id
      LEFT JOIN physical_numbers n
        ON n.phone_number_id = coalesce(o.phone_number_id, thread_number_v1(c))
     WHERE o.conversation_id = p_conversation AND o.state = 'queued' ORDER BY o.seq LIMIT 1;
    attempt_n := 0;
    IF id IS NULL THEN verdict := 'gone'; RETURN NEXT; RETURN; END IF;
    IF NOT usable THEN verdict := 'no_number'; RETURN NEXT; RETURN; END IF;
    IF withheld THEN
        PERFORM withdraw_v1(id, 'replies_only');
        verdict := 'replies_only'; RETURN NEXT; RETURN;
    END IF;
    IF p_number IS DISTINCT FROM phone_number_id OR business_initiated AND NOT p_begun THEN
        verdict := 'other_lane'; RETURN NEXT; RETURN;
    END IF;
    SELECT k.verdict, k.attempt_n, k.retry_at INTO verdict, attempt_n, at
      FROM claim_send_v2(id, p_attempt, p_number, p_sender, p_hour_cap, p_day_cap, p_sent_wait) k;
    retry_after := at - clock_timestamp();
    RETURN NEXT;
END $$;
