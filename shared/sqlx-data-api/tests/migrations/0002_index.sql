-- no-transaction
CREATE INDEX CONCURRENTLY notes_user_id ON notes (user_id);
CREATE INDEX CONCURRENTLY notes_body ON notes (body);
