-- Files and uploads.
-- state: 0 uploading, 1 ready, 2 sent, 3 gone
-- parts and content: JSON; received: the bytes of the parts
CREATE TABLE files (
  id         BLOB PRIMARY KEY,
  room       BLOB NOT NULL,
  owner      BLOB NOT NULL,
  state      INTEGER NOT NULL,
  name       TEXT NOT NULL,
  length     INTEGER NOT NULL,
  received   INTEGER NOT NULL,
  parts      TEXT NOT NULL,
  content    TEXT NOT NULL,
  message    BLOB,
  expires_at INTEGER
) WITHOUT ROWID;
CREATE INDEX files_by_owner ON files (owner, length) WHERE state <> 3;
CREATE INDEX files_by_room ON files (room, id);
CREATE INDEX files_by_message ON files (room, message) WHERE message IS NOT NULL;
CREATE INDEX files_due ON files (expires_at) WHERE expires_at IS NOT NULL;
