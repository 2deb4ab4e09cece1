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

CREATE FUNCTION claim_send_v3(
    p_outbox uuid, p_attempt uuid, p_number text, p_sender text,
    p_hour_cap integer, p_day_cap integer, p_sent_wait interval
) RETURNS TABLE (verdict text, attempt_n integer, retry_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    o outbox%ROWTYPE;
    c conversations%ROWTYPE;
    before outbox%ROWTYPE;
    decision governor_decisions%ROWTYPE;
    person_version bigint;
    in_hour integer;
    in_day integer;
BEGIN
    attempt_n := 0; retry_at := NULL;
    SELECT * INTO o FROM outbox WHERE id = p_outbox;
    IF NOT FOUND THEN verdict := 'gone'; RETURN NEXT; RETURN; END IF;
    SELECT * INTO c FROM conversations WHERE id = o.conversation_id FOR NO KEY UPDATE;
    SELECT * INTO o FROM outbox WHERE id = p_outbox FOR UPDATE;
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

    IF o.business_initiated THEN
        -- A restricted number or account still answers; only what we begin stays here.
        IF EXISTS (SELECT 1 FROM physical_numbers n
                    WHERE n.phone_number_id = p_number AND n.replies_only) THEN
            PERFORM withdraw_v1(o.id, 'replies_only');
            verdict := 'replies_only'; RETURN NEXT; RETURN;
        END IF;
        SELECT contactability_version INTO person_version
          FROM contacts WHERE id = o.contact_id FOR NO KEY UPDATE;
        SELECT * INTO decision FROM governor_decisions WHERE id = o.decision_id;
        IF decision.valid_until <= clock_timestamp()
           OR decision.contactability_version <> person_version THEN
            PERFORM withdraw_v1(o.id, 'decision_expired');
            verdict := 'decision_expired'; RETURN NEXT; RETURN;
        END IF;
    END IF;

    IF o.author = 'agent' THEN
        SELECT count(*) FILTER (WHERE claimed_at > clock_timestamp() - interval '1 hour'), count(*)
          INTO in_hour, in_day
          FROM outbox WHERE contact_id = o.contact_id AND author = 'agent'
           AND claimed_at > clock_timestamp() - interval '1 day';
        IF in_hour >= p_hour_cap OR in_day >= p_day_cap THEN
            PERFORM withdraw_v1(o.id, 'loop_cap');
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
        verdict := 'window_closed'; RETURN NEXT; RETURN;
    END IF;

    UPDATE outbox SET state = 'claimed', claimed_at = clock_timestamp(),
           attempts = attempts + 1, phone_number_id = p_number WHERE id = o.id
    RETURNING attempts INTO attempt_n;
    INSERT INTO send_attempts (id, outbox_id, n, phone_number_id, sender)
    VALUES (p_attempt, o.id, attempt_n, p_number, p_sender);
    verdict := 'claimed'; RETURN NEXT;
END $$;
