-- Removes connections that still belong to a lapsed lease. Returns the users who have none left.
-- A connection that its node has put under a newer lease meanwhile stays.
--
-- KEYS  connections of the lease, online users, then per connection: the user's connections
-- ARGV  lease, then per connection: user, connection

local gone = {}
for i = 0, #KEYS - 3 do
  local user, connection = ARGV[2 + 2 * i], ARGV[3 + 2 * i]
  redis.call('HDEL', KEYS[1], connection)
  local held = redis.call('HGET', KEYS[3 + i], connection)
  if held and string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. '|' then
    redis.call('HDEL', KEYS[3 + i], connection)
    if redis.call('HLEN', KEYS[3 + i]) == 0 then
      redis.call('ZREM', KEYS[2], user)
      gone[#gone + 1] = user
    end
  end
end
return gone
