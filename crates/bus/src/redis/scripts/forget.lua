-- Forgets an id that is still remembered at a place.
--
-- KEYS  id
-- ARGV  place ('epoch:seq:')

local seen = redis.call('GET', KEYS[1])
if seen and string.sub(seen, 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
