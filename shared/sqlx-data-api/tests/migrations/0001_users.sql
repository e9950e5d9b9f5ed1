-- Users; and what they wrote.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    name text NOT NULL DEFAULT 'no; name'
);

CREATE TABLE notes (user_id uuid NOT NULL REFERENCES users, body text);

/* A function whose body is full of semicolons; /* and comments; */ */
CREATE FUNCTION note(who uuid, what text) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO notes (user_id, body) VALUES (who, what || E'\';');
END;
$body$;

CREATE FUNCTION notes_of(who uuid) RETURNS bigint
BEGIN ATOMIC
    SELECT CASE WHEN true THEN count(*) ELSE 0 END FROM notes WHERE user_id = who;
END;
