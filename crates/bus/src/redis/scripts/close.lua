-- Takes away what a room has. Its ids run out by themselves.
--
-- KEYS  room, hot log, seqs stored ahead

return redis.call('DEL', unpack(KEYS))
