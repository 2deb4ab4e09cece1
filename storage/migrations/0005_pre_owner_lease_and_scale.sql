-- The owner lease: which start of a conversation's host counts, and whether its own actor serves it.

ALTER TABLE own_actors ADD COLUMN serving boolean NOT NULL DEFAULT false;

CREATE TABLE owner_leases (
    name text PRIMARY KEY,
    incarnation uuid NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);
