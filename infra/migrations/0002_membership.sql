-- Public conversations, topics, history policies, closing, blocking and muting, what keeps membership right, and tombstones.

ALTER TABLE users
    ALTER COLUMN display_name DROP NOT NULL,
    ADD CONSTRAINT only_tombstones_have_no_name CHECK ((display_name IS NULL) = (deleted_at IS NOT NULL));

ALTER TABLE conversations
    DROP CONSTRAINT conversations_type_check,
    DROP CONSTRAINT groups_have_a_title,
    ADD COLUMN topic        text    CHECK (char_length(topic) BETWEEN 1 AND 1000),
    ADD COLUMN history      text    NOT NULL DEFAULT 'since_join' CHECK (history IN ('since_join', 'full')),
    ADD COLUMN member_count integer NOT NULL DEFAULT 0 CHECK (member_count >= 0),
    -- A closed conversation can be read, and nothing else.
    ADD COLUMN closed_at    timestamptz,
    -- Who of a private conversation blocks the other.
    ADD COLUMN blocked_by   uuid[]  NOT NULL DEFAULT '{}',
    -- What the search for public conversations looks through. Without punctuation there are only words: no addresses, paths or
    -- compounds, of which parts would not be found.
    ADD COLUMN words        tsvector GENERATED ALWAYS AS (
        to_tsvector('simple', translate(coalesce(title, '') || ' ' || coalesce(topic, ''),
            '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)))
    ) STORED,
    ADD CONSTRAINT conversations_type_check CHECK (type IN ('private', 'group', 'public')),
    ADD CONSTRAINT all_but_private_conversations_have_a_title CHECK ((type = 'private') = (title IS NULL)),
    ADD CONSTRAINT private_conversations_have_no_topic CHECK (type <> 'private' OR topic IS NULL),
    ADD CONSTRAINT only_private_conversations_know_blocks CHECK (type = 'private' OR blocked_by = '{}'),
    ADD CONSTRAINT groups_have_at_most_1000_members CHECK (type <> 'group' OR member_count <= 1000),
    ADD CONSTRAINT empty_conversations_are_closed CHECK (member_count > 0 OR closed_at IS NOT NULL) NOT VALID;

UPDATE conversations c SET member_count = (
    SELECT count(*) FROM conversation_members m WHERE m.conversation_id = c.conversation_id AND m.left_at IS NULL
);

ALTER TABLE conversations VALIDATE CONSTRAINT empty_conversations_are_closed;
ALTER TABLE conversations ALTER COLUMN member_count DROP DEFAULT;

CREATE INDEX open_public_conversations ON conversations (conversation_id) WHERE type = 'public' AND closed_at IS NULL;
CREATE INDEX words_of_public_conversations ON conversations USING gin (words)
    WHERE type = 'public' AND closed_at IS NULL;

ALTER TABLE conversation_members
    ADD COLUMN muted_until timestamptz,
    -- Joining a public conversation writes no item: the stay begins after the head, and is empty if it ends there.
    DROP CONSTRAINT conversation_members_check,
    ADD CONSTRAINT stays_do_not_end_before_they_begin CHECK (left_seq >= joined_seq - 1),
    ADD CONSTRAINT only_ended_stays_were_ended CHECK (removed_by IS NULL OR left_at IS NOT NULL);

-- Finds owners, the admin who is here longest, and the member who is, without reading all members.
CREATE INDEX active_members_by_role ON conversation_members (conversation_id, role, joined_version, user_id)
    WHERE left_at IS NULL;
