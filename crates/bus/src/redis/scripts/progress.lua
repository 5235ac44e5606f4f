-- Where a room stands and how far it is stored: epoch, seq, seq.
--
-- KEYS  room

local room = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'stored')
return room[1] and room or false
