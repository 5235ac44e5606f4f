-- Forgets users whose grace is over. Whoever has come back is no longer among the leaving.
--
-- KEYS  online users, leaving users, then per user: the user's connections
-- ARGV  grace (ms), then the users

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 0, #KEYS - 3 do
  local user = ARGV[2 + i]
  local ended = redis.call('ZSCORE', KEYS[2], user)
  if ended and ended + ARGV[1] <= now then
    redis.call('ZREM', KEYS[2], user)
    redis.call('HDEL', KEYS[3 + i], 'left')
    if redis.call('EXISTS', KEYS[3 + i]) == 0 then redis.call('ZREM', KEYS[1], user) end
  end
end
return 1
