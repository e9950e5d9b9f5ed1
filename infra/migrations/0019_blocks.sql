-- Blocks between users who have no private conversation. A private conversation keeps its own in `blocked_by`, and begins only
-- between users who do not block each other.

CREATE TABLE blocks (
    blocker_id uuid        NOT NULL REFERENCES users,
    blocked_id uuid        NOT NULL REFERENCES users,
    blocked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (blocker_id, blocked_id),
    CONSTRAINT nobody_blocks_themselves CHECK (blocker_id <> blocked_id)
);
