-- A person's answer from the phone app fences at intake, one place says a thread's number, a notice counts
-- when it left, and what the claim refuses is told. The v1 functions stay for code that still calls them.

-- The number a thread's next message leaves by: the one place that says it. Intake moves `sticky_number`
-- to where the contact last wrote; the pool's choice holds only in a thread they never wrote in. A row
-- of the outbox that was claimed before keeps the number of that claim.
CREATE FUNCTION thread_number_v1(c conversations) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(c.sticky_number, c.last_inbound_number);

-- Whether a question or notice about the AI left, or still may. Nothing kept about it counts as left.
CREATE FUNCTION ai_was_put_v1(p_contact uuid, p_state text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((
    SELECT bool_or(m.status NOT IN ('failed', 'parked', 'withdrawn'))
      FROM consents k JOIN messages m ON m.id = k.asked_message_id
     WHERE k.contact_id = p_contact AND k.purpose = 'ai' AND k.state = p_state), true);

-- The consent that stands: who was to be asked or told by a message that did not leave was not.
CREATE FUNCTION ai_consent_v1(p contacts) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p.ai_consent IN ('asked', 'noticed') AND NOT ai_was_put_v1(p.id, p.ai_consent)
            THEN 'none' ELSE p.ai_consent END;

-- What follows, besides the epoch that intake raises, when a person answered from the phone app: what
-- the AI had queued is withdrawn, a waiting hand-over is accepted, the audit log has its line. Returns
-- how many rows were withdrawn. The caller holds the conversation's lock.
CREATE FUNCTION fence_by_echo_v1(p_conversation uuid, p_epoch bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    withdrawn integer;
BEGIN
    PERFORM withdraw_v1(o.id, 'fenced') FROM outbox o
      WHERE o.conversation_id = p_conversation AND o.author = 'agent' AND o.state = 'queued';
    GET DIAGNOSTICS withdrawn = ROW_COUNT;
    UPDATE handoffs SET state = 'accepted', accepted_at = clock_timestamp()
     WHERE conversation_id = p_conversation AND state = 'queued';
    PERFORM audit_append_v1(clock_timestamp(), 'system', 'conversation.takeover',
                            'conversation/' || p_conversation,
                            jsonb_build_object('epoch', p_epoch, 'by', 'echo'));
    RETURN withdrawn;
END $$;

-- What did not leave is told to the conversation, which tells a person: once for each row and reason.
CREATE FUNCTION file_not_sent_v1(o outbox, p_reason text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
    VALUES (gen_random_uuid(), p_reason || ':' || o.id, 'send_failed', o.conversation_id,
            jsonb_build_object('outbox_id', o.id, 'message_id', o.message_id, 'reason', p_reason),
            clock_timestamp())
    ON CONFLICT (dedupe_key) DO NOTHING;
$$;

-- The claim of protocol 4.1: one transaction that decides whether this row may leave now.
-- Locks the conversation, so a takeover is either before it (the row is withdrawn) or after it
-- (the row is reported in flight); for what the AI or the business begins, also the contact, under
-- whose lock caps and consent are judged. Returns why, and on 'claimed' the place of the attempt.
CREATE FUNCTION claim_send_v2(
    p_outbox uuid, p_attempt uuid, p_number text, p_sender text,
    p_hour_cap integer, p_day_cap integer, p_sent_wait interval
) RETURNS TABLE (verdict text, attempt_n integer, retry_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    o outbox%ROWTYPE;
    c conversations%ROWTYPE;
    before outbox%ROWTYPE;
    person contacts%ROWTYPE;
    decision governor_decisions%ROWTYPE;
    in_hour integer;
    in_day integer;
BEGIN
    attempt_n := 0; retry_at := NULL;
    SELECT * INTO o FROM outbox WHERE id = p_outbox;
    IF NOT FOUND THEN verdict := 'gone'; RETURN NEXT; RETURN; END IF;
    LOOP
        SELECT * INTO c FROM conversations WHERE id = o.conversation_id FOR NO KEY UPDATE;
        SELECT * INTO o FROM outbox WHERE id = p_outbox FOR UPDATE;
        EXIT WHEN o.conversation_id = c.id;  -- else it was merged into another one: that one's lock counts
    END LOOP;
    IF o.state <> 'queued' THEN verdict := 'settled'; RETURN NEXT; RETURN; END IF;
    IF o.not_before > clock_timestamp() THEN
        verdict := 'not_due'; retry_at := o.not_before; RETURN NEXT; RETURN;
    END IF;

    IF o.author = 'agent' AND o.epoch <> c.epoch THEN
        PERFORM withdraw_v1(o.id, 'fenced');
        verdict := 'fenced'; RETURN NEXT; RETURN;
    END IF;
    IF o.author = 'agent' AND EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused') THEN
        verdict := 'paused'; RETURN NEXT; RETURN;
    END IF;
    -- The contact wrote to another number while this row waited for its pacing slot.
    IF p_number IS DISTINCT FROM coalesce(o.phone_number_id, thread_number_v1(c)) THEN
        verdict := 'other_lane'; RETURN NEXT; RETURN;
    END IF;

    -- Only the lowest unsettled row; an operator does not wait for an agent row of unknown outcome.
    SELECT * INTO before FROM outbox b
     WHERE b.conversation_id = o.conversation_id AND b.seq < o.seq
       AND b.state IN ('queued', 'claimed', 'unknown')
       AND NOT (o.author = 'operator' AND b.author = 'agent' AND b.state = 'unknown')
     ORDER BY b.seq LIMIT 1;
    IF FOUND THEN verdict := 'not_next'; RETURN NEXT; RETURN; END IF;

    -- The next bubble of a turn waits for `sent` of the one before, or a while after its 200.
    IF o.position > 0 THEN
        SELECT b.* INTO before FROM outbox b JOIN messages m ON m.id = b.message_id
         WHERE b.conversation_id = o.conversation_id AND b.turn_id = o.turn_id
           AND b.position = o.position - 1 AND b.state = 'accepted'
           AND status_rank_v1(m.status) < status_rank_v1('sent')
           AND b.settled_at + p_sent_wait > clock_timestamp();
        IF FOUND THEN
            verdict := 'waits_for_sent'; retry_at := before.settled_at + p_sent_wait;
            RETURN NEXT; RETURN;
        END IF;
    END IF;

    IF o.author = 'agent' OR o.business_initiated THEN
        SELECT * INTO person FROM contacts WHERE id = o.contact_id FOR NO KEY UPDATE;
    END IF;
    IF o.business_initiated THEN
        SELECT * INTO decision FROM governor_decisions WHERE id = o.decision_id;
        IF decision.valid_until <= clock_timestamp()
           OR decision.contactability_version <> person.contactability_version THEN
            PERFORM withdraw_v1(o.id, 'decision_expired');
            verdict := 'decision_expired'; RETURN NEXT; RETURN;
        END IF;
    END IF;

    IF o.author = 'agent' THEN
        -- The notice before it did not leave, which was told already: without it the AI says nothing.
        IF person.ai_consent = 'noticed' AND NOT ai_was_put_v1(person.id, 'noticed') THEN
            PERFORM withdraw_v1(o.id, 'not_noticed');
            verdict := 'not_noticed'; RETURN NEXT; RETURN;
        END IF;
        -- now(): a border that is stable goes by the index, and is a little early, never late.
        SELECT count(*) FILTER (WHERE claimed_at > now() - interval '1 hour'), count(*)
          INTO in_hour, in_day
          FROM outbox WHERE contact_id = o.contact_id AND author = 'agent'
           AND claimed_at > now() - interval '1 day';
        IF in_hour >= p_hour_cap OR in_day >= p_day_cap THEN
            PERFORM withdraw_v1(o.id, 'loop_cap');
            PERFORM file_not_sent_v1(o, 'loop_cap');
            verdict := 'loop_cap'; RETURN NEXT; RETURN;
        END IF;
    END IF;

    -- Outside the 24-hour window only a template may leave.
    IF o.content ->> 'kind' <> 'template' AND NOT EXISTS (
        SELECT 1 FROM service_windows w WHERE w.contact_id = o.contact_id
           AND w.phone_number_id = p_number AND w.open_until > clock_timestamp()
    ) THEN
        UPDATE outbox SET state = 'parked', reason = 'window_closed',
               settled_at = clock_timestamp() WHERE id = o.id;
        UPDATE messages SET status = 'parked', status_at = clock_timestamp(),
               error = '{"reason": "window_closed"}' WHERE id = o.message_id;
        PERFORM file_not_sent_v1(o, 'window_closed');
        verdict := 'window_closed'; RETURN NEXT; RETURN;
    END IF;

    UPDATE outbox SET state = 'claimed', claimed_at = clock_timestamp(),
           attempts = attempts + 1, phone_number_id = p_number WHERE id = o.id
    RETURNING attempts INTO attempt_n;
    INSERT INTO send_attempts (id, outbox_id, n, phone_number_id, sender)
    VALUES (p_attempt, o.id, attempt_n, p_number, p_sender);
    verdict := 'claimed'; RETURN NEXT;
END $$;

-- Threads keep the number the contact last wrote to; until now the first turn decided it.
UPDATE conversations SET sticky_number = last_inbound_number,
       sticky_reason = 'o cliente escreveu para este número'
 WHERE last_inbound_number IS NOT NULL AND sticky_number IS DISTINCT FROM last_inbound_number;
