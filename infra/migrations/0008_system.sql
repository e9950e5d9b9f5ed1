-- The system: the actor of what a backend does as itself. Changes that it makes refer to it as to any user, and clients find its name.
INSERT INTO users (user_id, display_name) VALUES ('00000000-0000-0000-0000-000000000000', 'System')
ON CONFLICT (user_id) DO NOTHING;
