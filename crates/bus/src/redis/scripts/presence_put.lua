-- Adds or updates connections of a lease. Returns the users whom others see differently now.
--
-- KEYS  connections of the lease, online users, leaving users, then per connection: the user's
--       connections
-- ARGV  grace (ms), lease, then per connection: user, connection, status

local grace, changed = tonumber(ARGV[1]), {}
for i = 0, #KEYS - 4 do
  local key = KEYS[4 + i]
  local user, connection, status = ARGV[3 + 3 * i], ARGV[4 + 3 * i], ARGV[5 + 3 * i]
  local before = shown(key, grace)
  redis.call('HSET', KEYS[1], connection, user)
  redis.call('HSET', key, connection, ARGV[2] .. '|' .. status)
  redis.call('HDEL', key, 'left')
  redis.call('ZADD', KEYS[2], 0, user)
  redis.call('ZREM', KEYS[3], user)
  if shown(key, grace) ~= before then changed[#changed + 1] = user end
end
return changed
