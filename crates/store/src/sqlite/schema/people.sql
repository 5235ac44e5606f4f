-- Profiles, blocks, sessions as lists, suspended accounts.
ALTER TABLE users ADD COLUMN bio TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN status_text TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN avatar BLOB;
ALTER TABLE users ADD COLUMN send_receipts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN send_typing INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN availability INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN suspended_at INTEGER;
ALTER TABLE users ADD COLUMN deleted_at INTEGER;

-- The first account is the site administrator, also where there were accounts before there was one.
UPDATE users SET admin = 1 WHERE id = (SELECT min(id) FROM users);

ALTER TABLE sessions ADD COLUMN renewed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN client TEXT;
UPDATE sessions SET renewed_at = created_at;
CREATE INDEX sessions_by_user ON sessions (user, id);

CREATE TABLE blocks (
  user    BLOB NOT NULL,
  blocked BLOB NOT NULL,
  PRIMARY KEY (user, blocked)
) WITHOUT ROWID;
CREATE INDEX blocks_by_blocked ON blocks (blocked, user);

-- Accounts that are being deleted, until nothing of them is left.
CREATE TABLE erasures (
  user     BLOB PRIMARY KEY,
  begun_at INTEGER NOT NULL
) WITHOUT ROWID;
