-- Files that are deleted, so that their owners can delete them again: any other file that is not there is unknown to a user.
CREATE TABLE deleted_files (
    file_id    uuid        PRIMARY KEY,
    owner_id   uuid        NOT NULL REFERENCES users,
    deleted_at timestamptz NOT NULL DEFAULT now()
);
