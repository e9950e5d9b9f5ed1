-- Search for public conversations, the same on every platform: the terms of title and topic are folded and cut by the functions,
-- as those of a search are, so that the locale of the database has no part in it.

-- NULL where the terms are not known yet: of conversations from before, until `migrate` has folded them, and of those that an
-- earlier version creates during a deploy, until their next change. These are found by `words`.
ALTER TABLE conversations ADD COLUMN terms tsvector;

CREATE INDEX terms_of_public_conversations ON conversations USING gin (terms)
    WHERE type = 'public' AND closed_at IS NULL;

-- Nearly empty once the older conversations have terms: so that the fallback costs a search nothing.
CREATE INDEX words_of_public_conversations_without_terms ON conversations USING gin (words)
    WHERE type = 'public' AND closed_at IS NULL AND terms IS NULL;
