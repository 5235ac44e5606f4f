-- Edits, deletions and reactions.
--
-- Further kinds of events: 4 edited, 5 deleted, 6 reaction, 7 tombstone (a deleted message).
-- target: the message that an edit, a deletion or a reaction is about
-- What a message says now stands beside what it said first: the edit's body, seq and time.
ALTER TABLE events ADD COLUMN target BLOB;
ALTER TABLE events ADD COLUMN edited TEXT;
ALTER TABLE events ADD COLUMN edited_seq INTEGER;
ALTER TABLE events ADD COLUMN edited_at INTEGER;
ALTER TABLE events ADD COLUMN deleted_seq INTEGER;
ALTER TABLE events ADD COLUMN deleted_at INTEGER;
CREATE INDEX events_by_target ON events (room, target, seq) WHERE target IS NOT NULL;
-- Apart from the indexes of messages, so that unread ones are counted from theirs alone.
CREATE INDEX events_tombstones ON events (room, seq) WHERE kind = 7;
CREATE INDEX events_tombstone_versions ON events (room, version) WHERE kind = 7;

-- The last word of each person about each emoji under each message.
CREATE TABLE reactions (
  room    BLOB NOT NULL,
  message BLOB NOT NULL,
  emoji   TEXT NOT NULL,
  user    BLOB NOT NULL,
  seq     INTEGER NOT NULL,
  is_on   INTEGER NOT NULL,
  PRIMARY KEY (room, message, emoji, user)
) WITHOUT ROWID;
CREATE INDEX reactions_in_order ON reactions (room, message, emoji, seq) WHERE is_on;

-- Whom the messages that are not deleted call now. seq: the message's; user: zeros for everybody.
CREATE TABLE mentions (
  room   BLOB NOT NULL,
  user   BLOB NOT NULL,
  seq    INTEGER NOT NULL,
  sender BLOB NOT NULL,
  PRIMARY KEY (room, user, seq)
) WITHOUT ROWID;
CREATE INDEX mentions_by_place ON mentions (room, seq);
