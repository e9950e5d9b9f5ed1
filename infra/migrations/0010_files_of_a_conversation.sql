-- Finds the files of a conversation for its export.
CREATE INDEX files_of_a_conversation ON file_metadata (conversation_id, file_id);
