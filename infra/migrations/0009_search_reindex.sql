-- The new index of messages that is being filled from the log: at most one row.
CREATE TABLE search_reindex (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    reindex_id uuid NOT NULL,
    index_name text NOT NULL,
    -- Indexes that are deleted once this one is full.
    replaces   text[] NOT NULL
);

-- The parts of that work which are not done: recorded before a part is queued, and removed after it is done.
CREATE TABLE search_reindex_parts (
    reindex_id uuid NOT NULL,
    -- Body of the queue message.
    part       text NOT NULL,
    PRIMARY KEY (reindex_id, part)
);
