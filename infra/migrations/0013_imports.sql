-- The import that is bringing the conversation. Until it has, the conversation is closed, has no members, and nobody sees it.
ALTER TABLE conversations ADD COLUMN import_id uuid;

-- Finds what an import that was given up has left behind.
CREATE INDEX conversations_of_an_import ON conversations (import_id) WHERE import_id IS NOT NULL;
