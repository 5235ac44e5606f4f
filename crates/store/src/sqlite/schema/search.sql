-- Full-text search: see the `search` module. Nothing else than these two tables knows of it; both
-- can be emptied at any time and are made anew from the events.

-- How far a room's index reaches. holes: JSON, pairs of first and last place.
CREATE TABLE search_marks (
  room     BLOB PRIMARY KEY,
  indexed  INTEGER NOT NULL,
  holes    TEXT NOT NULL,
  revision INTEGER NOT NULL
) WITHOUT ROWID;

-- number: the first place of the block, divided by 128. oldest, newest: times of its messages.
-- The filter is before the slots, so that these are read only of blocks that pass it.
CREATE TABLE search_blocks (
  room     BLOB NOT NULL,
  number   INTEGER NOT NULL,
  oldest   INTEGER NOT NULL,
  newest   INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  filter   BLOB NOT NULL,
  slots    BLOB NOT NULL,
  PRIMARY KEY (room, number)
);
CREATE INDEX search_blocks_by_time ON search_blocks (room, newest, oldest, number);
