-- Nothing has called it since step 3.
DROP FUNCTION claim_send_v1(uuid, uuid, text, text, integer, integer, interval);
