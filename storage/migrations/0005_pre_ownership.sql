-- Ownership: the lease of every conversation host, what serves a conversation, how many of each part there are.

ALTER TABLE own_actors ADD COLUMN serving boolean NOT NULL DEFAULT false;

CREATE TABLE owner_leases (
    name text PRIMARY KEY,
    incarnation uuid NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

-- How many of each part there should be. Settings seed it; `vitrine scale` changes it.

CREATE TABLE scale (
    part text PRIMARY KEY CHECK (part IN ('shards', 'webhook', 'api')),
    wanted integer NOT NULL CHECK (wanted BETWEEN 1 AND 64),
    rollout bigint NOT NULL DEFAULT 1,
    generation bigint NOT NULL DEFAULT 1,
    settled bigint NOT NULL DEFAULT 0
);
