-- Lets one through in a while, and the same one again: -1, or milliseconds to wait.
--
-- KEYS  the name of the last one
-- ARGV  name, every (ms)

local last = redis.call('GET', KEYS[1])
if last == ARGV[1] then return -1 end
if last then return math.max(redis.call('PTTL', KEYS[1]), 1) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return -1
