-- The conversation's lowest waiting row with its address, claimed if it may leave now by p_number.
-- 'other_lane' names the number it would leave by: the caller paces there first and asks again.
CREATE FUNCTION claim_next_v1(
    p_conversation uuid, p_attempt uuid, p_number text, p_sender text,
    p_hour_cap integer, p_day_cap integer, p_sent_wait interval
) RETURNS TABLE (
    verdict text, attempt_n integer, retry_after interval, id uuid, contact_id uuid,
    message_id uuid, content jsonb, reply_to_wamid text, phone_number_id text,
    number_reason text, messages_per_second integer, wa_id text, bsuid text
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    usable boolean;
    at timestamptz;
BEGIN
    SELECT o.id, o.contact_id, o.message_id, o.content, o.reply_to_wamid, n.phone_number_id,
           c.sticky_reason, coalesce(n.messages_per_second, 80),
           coalesce(n.state IN ('active', 'draining') AND n.health NOT IN ('banned', 'paused'), false),
           (SELECT coalesce(i.wa_id, i.value) FROM channel_identities i
             WHERE i.contact_id = o.contact_id AND i.kind = 'phone' AND i.superseded_at IS NULL
             ORDER BY i.first_seen_at DESC LIMIT 1),
           (SELECT i.value FROM channel_identities i
             WHERE i.contact_id = o.contact_id AND i.kind = 'bsuid' AND i.superseded_at IS NULL
             ORDER BY i.first_seen_at DESC LIMIT 1)
      INTO id, contact_id, message_id, content, reply_to_wamid, phone_number_id, number_reason,
           messages_per_second, usable, wa_id, bsuid
      FROM outbox o
      JOIN conversations c ON c.id = o.conversation_id
      LEFT JOIN physical_numbers n
        ON n.phone_number_id = coalesce(o.phone_number_id, c.sticky_number, c.last_inbound_number)
     WHERE o.conversation_id = p_conversation AND o.state = 'queued' ORDER BY o.seq LIMIT 1;
    attempt_n := 0;
    IF id IS NULL THEN verdict := 'gone'; RETURN NEXT; RETURN; END IF;
    IF NOT usable THEN verdict := 'no_number'; RETURN NEXT; RETURN; END IF;
    IF p_number IS DISTINCT FROM phone_number_id THEN
        verdict := 'other_lane'; RETURN NEXT; RETURN;
    END IF;
    SELECT k.verdict, k.attempt_n, k.retry_at INTO verdict, attempt_n, at
      FROM claim_send_v1(id, p_attempt, p_number, p_sender, p_hour_cap, p_day_cap, p_sent_wait) k;
    retry_after := at - clock_timestamp();
    RETURN NEXT;
END $$;
