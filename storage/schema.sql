-- The whole schema as it should be now; a test holds it equal to the sum of migrations/.
-- Times are timestamptz in UTC. Money: integer centavos with its currency, or micro-dollars (`_micros`).

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- Portuguese words without accents, so that "pagamento" finds "pagamentos" and "preco" finds "preço".
CREATE TEXT SEARCH CONFIGURATION vitrine_pt (COPY = portuguese);
ALTER TEXT SEARCH CONFIGURATION vitrine_pt
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, portuguese_stem;

-- ---------------------------------------------------------------- who we are towards Meta

CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    portfolio_id text NOT NULL,
    waba_id text NOT NULL UNIQUE,
    -- Encrypted with DATA_KEY: {access_token, app_secrets, verify_token}.
    secrets bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- What Meta's newest notice says of sending; `standing_at` is that notice's time.
    standing text NOT NULL DEFAULT 'good' CHECK (standing IN ('good', 'restricted', 'disabled')),
    standing_reason text NOT NULL DEFAULT '',
    standing_until timestamptz,
    standing_at timestamptz
);

CREATE TABLE facades (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    name text NOT NULL,
    display_phone text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE physical_numbers (
    phone_number_id text PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    facade_id uuid NOT NULL REFERENCES facades (id),
    is_facade boolean NOT NULL DEFAULT false,
    display_phone text NOT NULL,
    verified_name text NOT NULL DEFAULT '',
    traffic_classes text[] NOT NULL DEFAULT '{}',
    weight integer NOT NULL DEFAULT 1 CHECK (weight > 0),
    state text NOT NULL DEFAULT 'active'
        CHECK (state IN ('active', 'draining', 'quarantined', 'disabled')),
    health text NOT NULL DEFAULT 'healthy'
        CHECK (health IN ('healthy', 'degraded', 'paused', 'banned')),
    health_reason text NOT NULL DEFAULT '',
    health_since timestamptz NOT NULL DEFAULT now(),
    quarantined_until timestamptz,
    quality text NOT NULL DEFAULT 'UNKNOWN',
    meta_status text NOT NULL DEFAULT 'UNKNOWN',
    messaging_limit text,
    messages_per_second integer NOT NULL DEFAULT 80 CHECK (messages_per_second > 0),
    polled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- What a person wants; `health` is what the pool judges; `state` follows from both.
    wish text NOT NULL DEFAULT 'active' CHECK (wish IN ('active', 'draining', 'disabled')),
    activated_at timestamptz,
    -- Nothing that we begin may leave by it: the number or its account is restricted.
    replies_only boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX physical_numbers_one_facade_number
    ON physical_numbers (facade_id) WHERE is_facade;

-- ---------------------------------------------------------------- people outside

CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    name text NOT NULL DEFAULT '',
    company text NOT NULL DEFAULT '',
    profile jsonb NOT NULL DEFAULT '{}',
    -- Raised by everything that changes whether we may contact: consent, opt-out, right party.
    contactability_version bigint NOT NULL DEFAULT 1,
    right_party_confirmed_at timestamptz,
    ai_consent text NOT NULL DEFAULT 'none'
        CHECK (ai_consent IN ('none', 'asked', 'granted', 'refused', 'noticed')),
    merged_into uuid REFERENCES contacts (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX contacts_name_trgm ON contacts USING gin (name gin_trgm_ops);

CREATE TABLE channel_identities (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts (id),
    portfolio_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('phone', 'bsuid', 'parent_bsuid')),
    -- phone: canonical digits (ninth digit in); bsuid: verbatim.
    value text NOT NULL,
    -- phone: the wa_id Meta uses for this person, which is what we answer to.
    wa_id text,
    username text,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz
);
CREATE UNIQUE INDEX channel_identities_one_owner
    ON channel_identities (portfolio_id, kind, value) WHERE superseded_at IS NULL;
CREATE INDEX channel_identities_contact ON channel_identities (contact_id);
CREATE INDEX channel_identities_value_trgm ON channel_identities USING gin (value gin_trgm_ops);

CREATE TABLE consents (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts (id),
    purpose text NOT NULL CHECK (purpose IN ('ai', 'marketing', 'billing', 'service')),
    state text NOT NULL CHECK (state IN ('asked', 'granted', 'refused', 'noticed', 'revoked')),
    text_version text NOT NULL,
    channel text NOT NULL,
    -- What proves it: the message that left, and the tap or words that came back.
    asked_message_id uuid,
    answer_event_id uuid,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consents_contact ON consents (contact_id, purpose, at DESC);

CREATE TABLE suppressions (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts (id),
    scope text NOT NULL CHECK (scope IN ('marketing', 'all')),
    source text NOT NULL,
    detail text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    lifted_at timestamptz
);
CREATE UNIQUE INDEX suppressions_standing
    ON suppressions (contact_id, scope) WHERE lifted_at IS NULL;

-- ---------------------------------------------------------------- people inside

CREATE TABLE operators (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('supervisor', 'vendor', 'agent')),
    password_hash text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    password_is_initial boolean NOT NULL DEFAULT false,
    online_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX operators_email ON operators (lower(email));

CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    family_id uuid NOT NULL,
    operator_id uuid NOT NULL REFERENCES operators (id),
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);

CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    operator_id uuid NOT NULL REFERENCES operators (id),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE idempotency_keys (
    key text NOT NULL,
    operator_id uuid NOT NULL REFERENCES operators (id),
    request_hash bytea NOT NULL,
    status integer,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (operator_id, key)
);

-- ---------------------------------------------------------------- conversations

CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    facade_id uuid NOT NULL REFERENCES facades (id),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    bucket integer NOT NULL CHECK (bucket BETWEEN 0 AND 1023),
    mode text NOT NULL DEFAULT 'agent' CHECK (mode IN ('agent', 'operator', 'muted', 'closed')),
    -- Raised only by people; the one value the send gate compares.
    epoch bigint NOT NULL DEFAULT 1,
    -- +1 per commit; compare-and-set of the fenced transaction.
    version bigint NOT NULL DEFAULT 1,
    assignee_id uuid REFERENCES operators (id),
    sticky_number text REFERENCES physical_numbers (phone_number_id),
    sticky_reason text NOT NULL DEFAULT '',
    last_inbound_number text REFERENCES physical_numbers (phone_number_id),
    state jsonb NOT NULL DEFAULT '{}',
    score real,
    origin jsonb NOT NULL DEFAULT '{"kind": "direct"}',
    -- Arrival number of the last inbound event a person has dealt with.
    handled_up_to bigint NOT NULL DEFAULT 0,
    -- Of code older than step 7: now it is inbound_events.left_at.
    seen_up_to bigint NOT NULL DEFAULT 0,
    unread_count integer NOT NULL DEFAULT 0,
    last_message_id uuid,
    last_message_at timestamptz,
    cost_micros bigint NOT NULL DEFAULT 0,
    merged_into uuid REFERENCES conversations (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (facade_id, contact_id)
);
CREATE INDEX conversations_recent ON conversations (updated_at DESC, id DESC);
CREATE INDEX conversations_assignee ON conversations (assignee_id, updated_at DESC)
    WHERE assignee_id IS NOT NULL;
CREATE INDEX conversations_contact ON conversations (contact_id);

CREATE TABLE service_windows (
    contact_id uuid NOT NULL REFERENCES contacts (id),
    phone_number_id text NOT NULL REFERENCES physical_numbers (phone_number_id),
    -- Meta's timestamp of the contact's last message + 24 h.
    open_until timestamptz NOT NULL,
    PRIMARY KEY (contact_id, phone_number_id)
);

CREATE TABLE cases (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    purpose text NOT NULL
        CHECK (purpose IN ('dispute', 'collection', 'renewal', 'repurchase', 'sales')),
    subject text NOT NULL DEFAULT '',
    state jsonb NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE UNIQUE INDEX cases_one_active ON cases (conversation_id) WHERE active;

-- ---------------------------------------------------------------- the inbox

CREATE TABLE webhook_bodies (
    id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    body bytea NOT NULL
);
CREATE INDEX webhook_bodies_received ON webhook_bodies (received_at);

CREATE TABLE inbound_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    dedupe_key text NOT NULL UNIQUE,
    -- message, echo, timer, settled, … of the conversation; number, account, template … of the house.
    kind text NOT NULL,
    conversation_id uuid REFERENCES conversations (id),
    phone_number_id text,
    waba_id text,
    wamid text,
    message_id uuid,
    body_id uuid,
    payload jsonb NOT NULL,
    -- Meta's clock; ours when Meta gave none.
    sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    worked_at timestamptz,
    outcome text,
    turn_id uuid,
    attempts integer NOT NULL DEFAULT 0,
    -- When it was looked at and left waiting on purpose (for a person, for consent, for a message); the
    -- sweeper rings for the others. NULL again when the reason is gone.
    left_at timestamptz
);
CREATE INDEX inbound_events_pending ON inbound_events (conversation_id, seq)
    WHERE worked_at IS NULL AND conversation_id IS NOT NULL;
CREATE INDEX inbound_events_unresolved ON inbound_events (seq)
    WHERE worked_at IS NULL AND conversation_id IS NULL;
CREATE INDEX inbound_events_conversation ON inbound_events (conversation_id, seq);

-- ---------------------------------------------------------------- messages

CREATE TABLE turns (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    case_id uuid REFERENCES cases (id),
    epoch bigint NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL
        CHECK (state IN ('committed', 'superseded', 'fenced', 'failed')),
    playbook text NOT NULL DEFAULT '',
    inputs jsonb NOT NULL DEFAULT '[]',
    context jsonb NOT NULL DEFAULT '{}',
    reply jsonb,
    model_calls jsonb NOT NULL DEFAULT '[]',
    tools jsonb NOT NULL DEFAULT '[]',
    guardrails jsonb NOT NULL DEFAULT '[]',
    input_tokens integer NOT NULL DEFAULT 0,
    output_tokens integer NOT NULL DEFAULT 0,
    cache_read_tokens integer NOT NULL DEFAULT 0,
    cache_write_tokens integer NOT NULL DEFAULT 0,
    cost_micros bigint NOT NULL DEFAULT 0,
    latency jsonb NOT NULL DEFAULT '{}',
    outcome text NOT NULL DEFAULT '',
    actor jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX turns_conversation ON turns (conversation_id, started_at);

CREATE TABLE messages (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    author text NOT NULL CHECK (author IN ('contact', 'agent', 'operator', 'system')),
    operator_id uuid REFERENCES operators (id),
    content jsonb NOT NULL,
    body text NOT NULL DEFAULT '',
    wamid text UNIQUE,
    reply_to_wamid text,
    phone_number_id text,
    turn_id uuid,
    status text NOT NULL,
    status_at timestamptz NOT NULL DEFAULT now(),
    error jsonb,
    pricing jsonb,
    sent_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (to_tsvector('vitrine_pt'::regconfig, body)) STORED
);
CREATE INDEX messages_conversation ON messages (conversation_id, seq DESC);
CREATE INDEX messages_search ON messages USING gin (search);

CREATE TABLE message_statuses (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dedupe_key text NOT NULL UNIQUE,
    wamid text NOT NULL,
    status text NOT NULL,
    attempt_id uuid,
    at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz
);
CREATE INDEX message_statuses_unapplied ON message_statuses (seq) WHERE applied_at IS NULL;
CREATE INDEX message_statuses_wamid ON message_statuses (wamid);

-- ---------------------------------------------------------------- the governor

CREATE TABLE governor_decisions (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts (id),
    conversation_id uuid REFERENCES conversations (id),
    purpose text NOT NULL,
    allowed boolean NOT NULL,
    reasons jsonb NOT NULL,
    contactability_version bigint NOT NULL,
    valid_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, allowed)
);
CREATE INDEX governor_decisions_contact ON governor_decisions (contact_id, created_at DESC);

-- ---------------------------------------------------------------- the outbox

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    message_id uuid NOT NULL REFERENCES messages (id),
    turn_id uuid,
    -- Place inside its turn, from 0: a later bubble waits for the one before.
    position integer NOT NULL DEFAULT 0,
    author text NOT NULL CHECK (author IN ('agent', 'operator', 'system')),
    epoch bigint NOT NULL,
    content jsonb NOT NULL,
    reply_to_wamid text,
    phone_number_id text,
    carries_money boolean NOT NULL DEFAULT false,
    business_initiated boolean NOT NULL DEFAULT false,
    decision_id uuid,
    decision_allowed boolean,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'claimed', 'accepted', 'unknown', 'failed', 'withdrawn', 'parked')),
    reason text NOT NULL DEFAULT '',
    attempts integer NOT NULL DEFAULT 0,
    possible_duplicate boolean NOT NULL DEFAULT false,
    not_before timestamptz NOT NULL DEFAULT now(),
    claimed_at timestamptz,
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- No business-initiated row without an allowing decision of the governor.
    CONSTRAINT outbox_governed CHECK (
        (NOT business_initiated) OR (decision_id IS NOT NULL AND decision_allowed IS TRUE)
    ),
    CONSTRAINT outbox_decision_allows FOREIGN KEY (decision_id, decision_allowed)
        REFERENCES governor_decisions (id, allowed) MATCH FULL
);
CREATE INDEX outbox_unsettled ON outbox (conversation_id, seq)
    WHERE state IN ('queued', 'claimed', 'unknown');
CREATE INDEX outbox_due ON outbox (not_before) WHERE state IN ('queued', 'claimed', 'unknown');
CREATE INDEX outbox_agent_claims ON outbox (contact_id, claimed_at)
    WHERE author = 'agent' AND claimed_at IS NOT NULL;
CREATE INDEX outbox_message ON outbox (message_id);

CREATE TABLE send_attempts (
    id uuid PRIMARY KEY,
    outbox_id uuid NOT NULL REFERENCES outbox (id),
    n integer NOT NULL,
    phone_number_id text NOT NULL,
    sender text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    -- accepted, rejected, unknown, not_sent; NULL while in flight or when its process died.
    outcome text,
    wamid text,
    http_status integer,
    code integer,
    detail text NOT NULL DEFAULT '',
    UNIQUE (outbox_id, n)
);
CREATE INDEX send_attempts_number ON send_attempts (phone_number_id, claimed_at);

-- ---------------------------------------------------------------- time

CREATE TABLE timers (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    case_id uuid REFERENCES cases (id),
    kind text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (conversation_id, key)
);
CREATE INDEX timers_due ON timers (due_at);

-- ---------------------------------------------------------------- people's work

CREATE TABLE handoffs (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    reason text NOT NULL,
    priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    -- What the AI may still do while the conversation is queued.
    silence text NOT NULL DEFAULT 'none' CHECK (silence IN ('none', 'acknowledge')),
    brief jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'accepted', 'returned', 'closed')),
    raised_by text NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    accepted_at timestamptz,
    accepted_by uuid REFERENCES operators (id),
    ended_at timestamptz
);
CREATE UNIQUE INDEX handoffs_one_open ON handoffs (conversation_id)
    WHERE state IN ('queued', 'accepted');
CREATE INDEX handoffs_queue ON handoffs (queued_at) WHERE state = 'queued';

CREATE TABLE notes (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    turn_id uuid,
    author text NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notes_conversation ON notes (conversation_id, at);

CREATE TABLE scheduled_calls (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    turn_id uuid,
    subject text NOT NULL,
    at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scheduled_calls_conversation ON scheduled_calls (conversation_id, at);

-- ---------------------------------------------------------------- what the AI may quote

CREATE TABLE products (
    id uuid PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    description text NOT NULL,
    category text NOT NULL DEFAULT '',
    price_centavos bigint NOT NULL CHECK (price_centavos >= 0),
    floor_centavos bigint CHECK (floor_centavos >= 0),
    currency text NOT NULL DEFAULT 'BRL',
    billing text NOT NULL DEFAULT 'once' CHECK (billing IN ('once', 'monthly', 'yearly')),
    active boolean NOT NULL DEFAULT true,
    search tsvector GENERATED ALWAYS AS (
        to_tsvector('vitrine_pt'::regconfig, name || ' ' || category || ' ' || description)
    ) STORED
);
CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_name_trgm ON products USING gin (name gin_trgm_ops);

CREATE TABLE knowledge (
    id uuid PRIMARY KEY,
    title text NOT NULL UNIQUE,
    body text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (
        to_tsvector('vitrine_pt'::regconfig, title || ' ' || body)
    ) STORED
);
CREATE INDEX knowledge_search ON knowledge USING gin (search);

-- ---------------------------------------------------------------- the house

CREATE TABLE switches (
    name text PRIMARY KEY,
    on_since timestamptz NOT NULL DEFAULT now(),
    set_by text NOT NULL,
    reason text NOT NULL DEFAULT ''
);

CREATE TABLE shard_buckets (
    bucket integer PRIMARY KEY CHECK (bucket BETWEEN 0 AND 1023),
    shard integer NOT NULL,
    generation bigint NOT NULL DEFAULT 1
);

CREATE TABLE own_actors (
    conversation_id uuid PRIMARY KEY REFERENCES conversations (id),
    shard integer NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    last_turn_at timestamptz NOT NULL DEFAULT now(),
    -- Whether the conversation was entrusted to it; until then its shard serves.
    serving boolean NOT NULL DEFAULT false
);

-- The newest start of every actor that hosts conversations; an older one is not the owner any more.
CREATE TABLE owner_leases (
    name text PRIMARY KEY,
    incarnation uuid NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

-- How many of each part there should be. Settings seed it; `vitrine scale` changes it.
CREATE TABLE scale (
    part text PRIMARY KEY CHECK (part IN ('shards', 'webhook', 'api')),
    wanted integer NOT NULL CHECK (wanted BETWEEN 1 AND 64),
    -- Raised to have the part's processes replaced by new ones.
    rollout bigint NOT NULL DEFAULT 1,
    -- Raised by every change, and the last one that was carried out.
    generation bigint NOT NULL DEFAULT 1,
    settled bigint NOT NULL DEFAULT 0
);

CREATE TABLE actor_beats (
    name text PRIMARY KEY,
    kind text NOT NULL,
    actor_id text NOT NULL,
    node text NOT NULL,
    pid integer NOT NULL,
    memory_bytes bigint NOT NULL,
    residents jsonb NOT NULL DEFAULT '[]',
    started_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT now(),
    resident_count integer NOT NULL DEFAULT 0
);

CREATE TABLE audit (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    -- sha256 over the line before and this one: a removed or altered line breaks the chain.
    hash bytea NOT NULL
);

-- ---------------------------------------------------------------- functions

-- domain/delivery.py's RANK in SQL: only a higher rank replaces; a test holds the two equal.
CREATE FUNCTION status_rank_v1(status text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE status
    WHEN 'queued' THEN 0 WHEN 'unknown' THEN 10 WHEN 'parked' THEN 20 WHEN 'withdrawn' THEN 30
    WHEN 'accepted' THEN 40 WHEN 'sent' THEN 50 WHEN 'failed' THEN 60 WHEN 'delivered' THEN 70
    WHEN 'read' THEN 80 WHEN 'played' THEN 90 WHEN 'received' THEN 100 END;

-- A row that will not leave, with the reason a person reads.
CREATE FUNCTION withdraw_v1(p_outbox uuid, p_reason text) RETURNS void
LANGUAGE sql AS $$
    WITH gone AS (
        UPDATE outbox SET state = 'withdrawn', reason = p_reason, settled_at = clock_timestamp()
         WHERE id = p_outbox AND state = 'queued' RETURNING message_id
    )
    UPDATE messages m SET status = 'withdrawn', status_at = clock_timestamp(),
           error = jsonb_build_object('reason', p_reason)
      FROM gone WHERE m.id = gone.message_id;
$$;

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

-- ---------------------------------------------------------------- access

-- A name as people type it: small letters, no accents.
CREATE FUNCTION plain_v1(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(unaccent('unaccent'::regdictionary, name));
CREATE INDEX contacts_plain_name ON contacts USING gin (plain_v1(name) gin_trgm_ops);

-- Most rows are `agent`: the tabs of the others find theirs without passing over those.
CREATE INDEX conversations_not_agent ON conversations (mode, updated_at DESC, id DESC)
    WHERE mode <> 'agent';
CREATE INDEX service_windows_number ON service_windows (phone_number_id, open_until);
-- "Today" and "the last hour" of tables that only grow: a few pages each, nearly free to keep.
CREATE INDEX turns_lately ON turns USING brin (started_at);
CREATE INDEX outbox_lately ON outbox USING brin (created_at);

-- Where the audit chain ends: the lock of its writers, and what shows a cut-off tail.
CREATE TABLE audit_head (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, '');

CREATE FUNCTION audit_hash_v1(
    before bytea, seq bigint, at timestamptz, actor text, action text, target text, details jsonb
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(before || convert_to(
    jsonb_build_array(seq, extract(epoch FROM at), actor, action, target, details)::text, 'UTF8'));

-- One line at the end of the chain, in the caller's transaction; writers wait for each other.
CREATE FUNCTION audit_append_v1(
    p_at timestamptz, p_actor text, p_action text, p_target text, p_details jsonb
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    head audit_head%ROWTYPE;
    link bytea;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    link := audit_hash_v1(head.hash, head.seq + 1, p_at, p_actor, p_action, p_target, p_details);
    INSERT INTO audit (seq, at, actor, action, target, details, hash)
    VALUES (head.seq + 1, p_at, p_actor, p_action, p_target, p_details, link);
    UPDATE audit_head SET seq = head.seq + 1, hash = link;
    RETURN head.seq + 1;
END $$;
CREATE INDEX audit_target ON audit (target, seq);

-- What was folded into a conversation or a contact: few among many.
CREATE INDEX conversations_merged ON conversations (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;

-- ---------------------------------------------------------------- what processes counted

-- The house's counters: each process adds what it counted since its last beat, so a restart loses
-- seconds and not the total. `labels` is a sample's label values in JSON, by label name.
CREATE TABLE counter_totals (
    sample text NOT NULL,
    labels text NOT NULL DEFAULT '{}',
    value double precision NOT NULL,
    PRIMARY KEY (sample, labels)
);
-- ---------------------------------------------------------------- what is watched

-- What the clock found when it last asked whether each sentence of telemetry/invariants.py holds.
CREATE TABLE invariant_findings (
    name text PRIMARY KEY,
    violations integer NOT NULL,
    ids text[] NOT NULL DEFAULT '{}',
    -- When it began; NULL while the sentence holds.
    since timestamptz,
    -- Why it could not be judged this time; then the rest is of the last time it could.
    unchecked text,
    checked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How many requests to Meta's door had a wrong signature, as the house's counters stood in a minute.
CREATE TABLE door_refusals (
    minute timestamptz PRIMARY KEY,
    total double precision NOT NULL
);

-- "The last hour" of tables that only grow.
CREATE INDEX inbound_events_lately ON inbound_events USING brin (received_at);
CREATE INDEX message_statuses_lately ON message_statuses USING brin (received_at);
CREATE INDEX audit_lately ON audit USING brin (at);
-- What is rare in them.
CREATE INDEX inbound_events_unparsed ON inbound_events (received_at) WHERE kind = 'unparsed';
CREATE INDEX send_attempts_again ON send_attempts (claimed_at) WHERE n > 1;
