-- The time (ms), and all leases: name, until when it holds (ms), ...
--
-- KEYS  leases

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return { now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') }
