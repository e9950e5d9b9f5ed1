-- Files: what was announced of them, and what came of it. The bytes are in S3, under the file's id.

CREATE TABLE file_metadata (
    file_id         uuid        PRIMARY KEY,
    owner_id        uuid        NOT NULL REFERENCES users,
    -- The conversation whose messages may carry it.
    conversation_id uuid        NOT NULL REFERENCES conversations,
    -- What people see. No key of S3 has it.
    name            text        NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255),
    content_type    text        NOT NULL CHECK (octet_length(content_type) BETWEEN 3 AND 127),
    size            bigint      NOT NULL CHECK (size BETWEEN 1 AND 5368709120),
    sha256          text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    -- S3's id of an upload in parts.
    upload_id       text,
    status          text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'ready', 'rejected')),
    -- Why it was rejected.
    reason          text,
    -- Of an image, in pixels.
    width           integer     CHECK (width > 0),
    height          integer     CHECK (height > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- What the owner's Idempotency-Key was, and for which request.
    idempotency_key text        CHECK (char_length(idempotency_key) BETWEEN 1 AND 100),
    request_digest  text,

    CONSTRAINT rejections_have_a_reason CHECK ((status = 'rejected') = (reason IS NOT NULL)),
    CONSTRAINT images_have_two_sides CHECK ((width IS NULL) = (height IS NULL)),
    CONSTRAINT idempotency_keys_have_a_digest CHECK ((idempotency_key IS NULL) = (request_digest IS NULL)),
    CONSTRAINT one_file_per_idempotency_key UNIQUE (owner_id, idempotency_key)
);

-- Adds up what a user has, and finds it when the user goes.
CREATE INDEX files_of_a_user ON file_metadata (owner_id, file_id) INCLUDE (size, status);
