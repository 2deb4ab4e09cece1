-- A merge, and the timeline, find what was folded into a conversation or contact.
CREATE INDEX conversations_merged ON conversations (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;
