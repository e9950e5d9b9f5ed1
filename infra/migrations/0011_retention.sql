-- The time for which messages are kept, and holds, which keep them for longer.

ALTER TABLE conversations
    ADD COLUMN retention_days integer CHECK (retention_days BETWEEN 1 AND 3650),
    -- Nothing of the conversation is deleted for its age.
    ADD COLUMN held_at        timestamptz;
