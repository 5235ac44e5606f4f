-- Adds or updates connections of a lease.
--
-- KEYS  connections of the lease, online users, then per connection: the user's connections
-- ARGV  lease, then per connection: user, connection, status

for i = 0, #KEYS - 3 do
  local user, connection, status = ARGV[2 + 3 * i], ARGV[3 + 3 * i], ARGV[4 + 3 * i]
  redis.call('HSET', KEYS[1], connection, user)
  redis.call('HSET', KEYS[3 + i], connection, ARGV[1] .. '|' .. status)
  redis.call('ZADD', KEYS[2], 0, user)
end
return 1
