-- Where a room stands, how far it is stored, and after which seq its epoch began: epoch, seq, seq, seq.
--
-- KEYS  room

local room = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'stored', 'began')
return room[1] and room or false
