-- Whether the last process ended in order: one row.
CREATE TABLE process (clean INTEGER NOT NULL);
INSERT INTO process (clean) VALUES (1);

CREATE TABLE users (
  id            BLOB PRIMARY KEY,
  username      TEXT NOT NULL UNIQUE,
  display_name  TEXT NOT NULL,
  email         TEXT,
  password_hash TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  last_seen     INTEGER
) WITHOUT ROWID;

-- What a person is found by: a search matches when a key starts with the query.
CREATE TABLE user_keys (
  key  TEXT NOT NULL,
  user BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (key, user)
) WITHOUT ROWID;

-- An ended session stays until it would have run out, so that a used token is still known as one.
CREATE TABLE sessions (
  id                BLOB PRIMARY KEY,
  user              BLOB NOT NULL,
  token             BLOB NOT NULL,
  ended             INTEGER NOT NULL DEFAULT 0,
  created_at        INTEGER NOT NULL,
  expires_at        INTEGER NOT NULL,
  access_expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Every token a session has had, until the token itself runs out.
CREATE TABLE session_tokens (
  hash       BLOB PRIMARY KEY,
  session    BLOB NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_tokens_by_expiry ON session_tokens (expires_at);

-- kind: 0 public, 1 private, 2 direct
CREATE TABLE rooms (
  id          BLOB PRIMARY KEY,
  kind        INTEGER NOT NULL,
  name        TEXT NOT NULL,
  name_folded TEXT NOT NULL,
  description TEXT NOT NULL,
  code        BLOB UNIQUE,
  owner       BLOB,
  created_at  INTEGER NOT NULL,
  epoch       INTEGER NOT NULL,
  direct_low  BLOB,
  direct_high BLOB
) WITHOUT ROWID;
CREATE INDEX rooms_public ON rooms (id, name_folded) WHERE kind = 0;

CREATE TABLE memberships (
  room      BLOB NOT NULL,
  user      BLOB NOT NULL,
  owner     INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (room, user)
) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user, room);

-- kind: 0 message, 1 member, 2 room, 3 void (its id is that of the event it is a double of)
-- version: the seq of the last event that touched it
CREATE TABLE events (
  number  INTEGER PRIMARY KEY,
  room    BLOB NOT NULL,
  seq     INTEGER NOT NULL,
  version INTEGER NOT NULL,
  epoch   INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  id      BLOB NOT NULL,
  sender  BLOB NOT NULL,
  at      INTEGER NOT NULL,
  body    TEXT
);
CREATE UNIQUE INDEX events_by_place ON events (room, seq);
CREATE UNIQUE INDEX events_by_id ON events (room, id) WHERE kind <> 3;
CREATE INDEX events_messages ON events (room, seq, sender, kind) WHERE kind = 0;
CREATE INDEX events_versions ON events (room, version) WHERE kind = 0;

CREATE TABLE positions (
  user      BLOB NOT NULL,
  room      BLOB NOT NULL,
  delivered INTEGER NOT NULL,
  read      INTEGER NOT NULL,
  PRIMARY KEY (user, room)
) WITHOUT ROWID;
