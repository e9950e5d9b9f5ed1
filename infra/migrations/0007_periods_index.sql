-- Finds the membership periods of one conversation, of which only the current ones had an index: when a change has reached the log,
-- and when the stores are compared.
CREATE INDEX periods_of_a_conversation ON conversation_members (conversation_id, user_id, joined_version);
