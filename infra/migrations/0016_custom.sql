-- What apps add to conversations and users: JSON of at most 4 KB, as text, which no statement reads.

ALTER TABLE conversations
    ADD COLUMN custom text CHECK (octet_length(custom) <= 4096),
    ADD CONSTRAINT private_conversations_have_no_custom CHECK (type <> 'private' OR custom IS NULL);

ALTER TABLE users ADD COLUMN custom text CHECK (octet_length(custom) <= 4096);
