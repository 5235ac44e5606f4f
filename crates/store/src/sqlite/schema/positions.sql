-- Marks and the inbox.

-- unread_from: from where on the member marked the room unread; 0: nowhere
-- notify: 0 all, 1 mentions, 2 nothing
ALTER TABLE positions ADD COLUMN unread_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE positions ADD COLUMN notify INTEGER NOT NULL DEFAULT 1;
ALTER TABLE positions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- reason: 0 direct, 1 mention, 2 reply
-- announce: when to give it to those who announce entries, if that is still to be done
CREATE TABLE inbox (
  user     BLOB NOT NULL,
  room     BLOB NOT NULL,
  message  BLOB NOT NULL,
  seq      INTEGER NOT NULL,
  sender   BLOB NOT NULL,
  at       INTEGER NOT NULL,
  reason   INTEGER NOT NULL,
  excerpt  TEXT NOT NULL,
  announce INTEGER,
  PRIMARY KEY (user, room, message)
) WITHOUT ROWID;
CREATE INDEX inbox_by_time ON inbox (user, at, room, message);
CREATE INDEX inbox_by_message ON inbox (room, message);
CREATE INDEX inbox_to_announce ON inbox (announce) WHERE announce IS NOT NULL;
