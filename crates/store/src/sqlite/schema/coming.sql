-- When members came.

-- since: the room's last event when the member came in last; 0: there from the start
ALTER TABLE positions ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
