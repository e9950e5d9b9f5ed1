-- Erasures of what deleted users wrote: how far each of them is. No row holds what is erased.

CREATE TABLE erasures (
    user_id      uuid        PRIMARY KEY REFERENCES users,
    requested_at timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);

-- The conversations that the user was ever in.
CREATE TABLE erasure_conversations (
    user_id         uuid    NOT NULL REFERENCES erasures,
    conversation_id uuid    NOT NULL REFERENCES conversations,
    -- Everything below this seq is erased.
    next_seq        bigint  NOT NULL DEFAULT 0,
    -- First seq of the oldest segment that was no part of the archive when it was erased.
    unarchived_seq  bigint,
    -- Erased up to its end. What others had read before may still be written somewhere, so it is looked through again.
    walked_at       timestamptz,
    finished_at     timestamptz,
    -- A legal hold keeps what is left.
    is_held         boolean NOT NULL DEFAULT false,
    messages        bigint  NOT NULL DEFAULT 0,
    reactions       bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, conversation_id)
);

-- Finds the erasures that go on when a hold ends.
CREATE INDEX unfinished_erasures_of_a_conversation ON erasure_conversations (conversation_id, user_id)
    WHERE finished_at IS NULL;
