-- Findings of the run-time checks, the refusals at the door, and the indexes the checks read.

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
