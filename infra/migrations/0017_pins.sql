-- Seqs of the messages that are pinned for everybody, rising.

ALTER TABLE conversations
    ADD COLUMN pinned_seqs bigint[] NOT NULL DEFAULT '{}' CHECK (cardinality(pinned_seqs) <= 50);
