-- Search for users by the beginnings of the words of their names. Terms are folded and cut by the functions, as those of public
-- conversations are.

-- NULL for users whose profile is older than this, until it is put again, and for deleted ones.
ALTER TABLE users ADD COLUMN terms tsvector;

CREATE INDEX terms_of_users ON users USING gin (terms) WHERE deleted_at IS NULL;
