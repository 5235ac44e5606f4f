-- The connections of users: per user connection, 'lease|status', ..., and 'left' where the grace is
-- not over yet.
--
-- KEYS  the users' connections
-- ARGV  grace (ms)

local users = {}
for i = 1, #KEYS do
  local fields = {}
  local held = redis.call('HGETALL', KEYS[i])
  for j = 1, #held, 2 do
    local ended = held[j] == 'left' and latest_end(held[j + 1])
    if not ended or ended + ARGV[1] > now then
      fields[#fields + 1] = held[j]
      fields[#fields + 1] = held[j + 1]
    end
  end
  users[i] = fields
end
return users
