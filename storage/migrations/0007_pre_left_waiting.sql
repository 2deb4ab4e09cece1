-- What waits on purpose is told event by event: an arrival number is no cursor, because a lower one may
-- commit later.
ALTER TABLE inbound_events ADD COLUMN left_at timestamptz;
UPDATE inbound_events e SET left_at = clock_timestamp() FROM conversations c
 WHERE c.id = e.conversation_id AND e.worked_at IS NULL AND e.seq <= c.seen_up_to;
