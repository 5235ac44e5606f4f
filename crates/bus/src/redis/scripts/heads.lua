-- Where rooms stand: epoch and seq of each, '' where there are no counters.
--
-- KEYS  rooms

local heads = {}
for i = 1, #KEYS do
  local room = redis.call('HMGET', KEYS[i], 'epoch', 'seq')
  heads[2 * i - 1] = room[1] or ''
  heads[2 * i] = room[2] or ''
end
return heads
