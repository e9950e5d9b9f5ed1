-- The system: the actor of what a backend does as itself. Changes that it makes refer to it as to any user, and clients find its name.
INSERT INTO users (user_id, display_name) VALUES ('00000000-0000-0000-0000-000000000000', 'System')
ON CONFLICT (user_id) DO NOTHING;

-- It is no member of any conversation, whichever version writes. Its id is the smallest, so it would be the lower one of a pair.
ALTER TABLE conversation_members ADD CONSTRAINT system_is_no_member
    CHECK (user_id <> '00000000-0000-0000-0000-000000000000') NOT VALID;
ALTER TABLE conversations ADD CONSTRAINT system_is_in_no_pair
    CHECK (private_low <> '00000000-0000-0000-0000-000000000000') NOT VALID;
