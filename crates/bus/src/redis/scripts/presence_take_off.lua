-- Takes off connections that belong to an owner: a node (its incarnation and '#'), or one lapsed
-- lease (its name and '|'), which leaves what the node has put under a newer lease meanwhile.
-- Returns the users whom others see differently now.
--
-- KEYS  connections of the lease, leaving users, then per connection: the user's connections
-- ARGV  grace (ms), owner, when they ended (ms; 0: now), then per connection: user, connection

local grace, owner, ended, changed = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), {}
if ended == 0 then ended = now end
for i = 0, #KEYS - 3 do
  local key, user, connection = KEYS[3 + i], ARGV[4 + 2 * i], ARGV[5 + 2 * i]
  redis.call('HDEL', KEYS[1], connection)
  local held = redis.call('HGET', key, connection)
  if held and string.sub(held, 1, #owner) == owner then
    local before = shown(key, grace)
    redis.call('HDEL', key, connection)
    -- Of connections that end in the same moment the best is what others go on seeing.
    local last, was = latest_end(redis.call('HGET', key, 'left'))
    if not last or ended > last or (ended == last and RANK[before] > RANK[was]) then
      last = ended
      redis.call('HSET', key, 'left', string.format('%.0f', ended) .. '|' .. before)
    end
    if redis.call('HLEN', key) == 1 then
      redis.call('ZADD', KEYS[2], string.format('%.0f', last), user)
    end
    if shown(key, grace) ~= before then changed[#changed + 1] = user end
  end
end
return changed
