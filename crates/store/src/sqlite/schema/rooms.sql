-- Roles, bans, moderation, destroyed rooms, the audit list.

-- role: 0 member, 1 moderator, 2 owner
ALTER TABLE memberships ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
UPDATE memberships SET role = 2 WHERE owner;
ALTER TABLE memberships DROP COLUMN owner;
ALTER TABLE memberships ADD COLUMN muted_until INTEGER;

-- links, mention_all: the least role that may
ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN icon BLOB;
ALTER TABLE rooms ADD COLUMN slow_mode_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN links INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN mention_all INTEGER NOT NULL DEFAULT 1;
ALTER TABLE rooms ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN refused_words TEXT NOT NULL DEFAULT '[]';
ALTER TABLE rooms ADD COLUMN code_expires_at INTEGER;
ALTER TABLE rooms ADD COLUMN code_uses_left INTEGER;
-- The people of a direct room: their ids one after the other, ascending.
ALTER TABLE rooms ADD COLUMN people BLOB;
UPDATE rooms SET people = unhex(hex(direct_low) || hex(direct_high)), mention_all = 0
WHERE direct_low IS NOT NULL;
ALTER TABLE rooms DROP COLUMN direct_low;
ALTER TABLE rooms DROP COLUMN direct_high;
CREATE INDEX rooms_by_owner ON rooms (owner) WHERE owner IS NOT NULL;

CREATE TABLE bans (
  room   BLOB NOT NULL,
  user   BLOB NOT NULL,
  by     BLOB NOT NULL,
  at     INTEGER NOT NULL,
  reason TEXT,
  PRIMARY KEY (room, user)
) WITHOUT ROWID;

-- entry: JSON
CREATE TABLE audit (
  id    BLOB PRIMARY KEY,
  room  BLOB,
  entry TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_by_room ON audit (room, id) WHERE room IS NOT NULL;

-- Stays for ever. found, removed: JSON
CREATE TABLE destructions (
  room        BLOB PRIMARY KEY,
  by          BLOB NOT NULL,
  at          INTEGER NOT NULL,
  finished_at INTEGER,
  held_until  INTEGER NOT NULL,
  found       TEXT NOT NULL,
  removed     TEXT NOT NULL,
  icon        BLOB
) WITHOUT ROWID;
CREATE INDEX destructions_unfinished ON destructions (at) WHERE finished_at IS NULL;
