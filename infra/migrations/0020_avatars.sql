-- Id of a user's avatar, a picture in the bucket of files. It follows from the picture.

ALTER TABLE users ADD COLUMN avatar_id uuid;
