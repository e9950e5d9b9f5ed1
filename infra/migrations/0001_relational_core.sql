-- Who there is, what they talk in, and since when: the truth that the hot path's tables are a projection of.

CREATE TABLE users (
    -- UUIDv5 of the token's issuer and subject.
    user_id      uuid        PRIMARY KEY,
    display_name text        NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    -- A tombstone: the row stays so that what the user wrote keeps an author.
    deleted_at   timestamptz
);

CREATE TABLE conversations (
    conversation_id uuid        PRIMARY KEY,
    type            text        NOT NULL CHECK (type IN ('private', 'group')),
    title           text        CHECK (char_length(title) BETWEEN 1 AND 200),
    created_by      uuid        NOT NULL REFERENCES users,
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- Grows by one with every change that the hot path must see.
    version         bigint      NOT NULL CHECK (version > 0),
    -- The two of a private conversation, the smaller id first.
    private_low     uuid        REFERENCES users,
    private_high    uuid        REFERENCES users,
    -- What the creator's Idempotency-Key was, and for which request.
    idempotency_key text        CHECK (char_length(idempotency_key) BETWEEN 1 AND 100),
    request_digest  text,

    CONSTRAINT private_conversations_name_their_pair CHECK (
        (type = 'private') = (private_low IS NOT NULL AND private_high IS NOT NULL)
        AND (private_low IS NULL) = (private_high IS NULL)
    ),
    CONSTRAINT private_pair_is_ordered CHECK (private_low < private_high),
    CONSTRAINT groups_have_a_title CHECK ((type = 'group') = (title IS NOT NULL)),
    CONSTRAINT idempotency_keys_have_a_digest CHECK ((idempotency_key IS NULL) = (request_digest IS NULL)),
    CONSTRAINT one_private_conversation_per_pair UNIQUE (private_low, private_high),
    CONSTRAINT one_conversation_per_idempotency_key UNIQUE (created_by, idempotency_key)
);

-- One row per stay. Seqs are those of the log items that begin and end it; they are unknown until the change has been
-- relayed to the log.
CREATE TABLE conversation_members (
    member_id       uuid        PRIMARY KEY,
    conversation_id uuid        NOT NULL REFERENCES conversations,
    user_id         uuid        NOT NULL REFERENCES users,
    role            text        NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    added_by        uuid        NOT NULL REFERENCES users,
    joined_version  bigint      NOT NULL,
    joined_at       timestamptz NOT NULL DEFAULT now(),
    joined_seq      bigint      CHECK (joined_seq > 0),
    removed_by      uuid        REFERENCES users,
    left_version    bigint,
    left_at         timestamptz,
    left_seq        bigint      CHECK (left_seq >= joined_seq),

    CONSTRAINT stays_end_all_at_once CHECK ((left_at IS NULL) = (left_version IS NULL))
);

CREATE UNIQUE INDEX one_stay_at_a_time ON conversation_members (conversation_id, user_id) WHERE left_at IS NULL;
CREATE INDEX stays_of_a_user ON conversation_members (user_id, conversation_id);

-- Changes on their way to the log and the projection; each is gone once it is there.
CREATE TABLE outbox (
    outbox_id       uuid        PRIMARY KEY,
    conversation_id uuid        NOT NULL REFERENCES conversations,
    version         bigint      NOT NULL,
    change          jsonb       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT one_change_per_version UNIQUE (conversation_id, version)
);
