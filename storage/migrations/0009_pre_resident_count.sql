-- A beat lists the residents that were active last; how many there are is told beside it.
ALTER TABLE actor_beats ADD COLUMN resident_count integer NOT NULL DEFAULT 0;
