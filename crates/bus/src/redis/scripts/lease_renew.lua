-- Extends a lease that holds, or takes a new one under the next number: one that has lapsed may be
-- being cleared, so it is never revived. Returns whether it had lapsed.
--
-- KEYS  leases: 'incarnation#number' by the time until which they hold (ms)
-- ARGV  incarnation, number (0: none yet), length (ms)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local until_ms = string.format('%.0f', now + ARGV[3])
local lease = ARGV[1] .. '#' .. ARGV[2]
local held = redis.call('ZSCORE', KEYS[1], lease)
if held and tonumber(held) > now then
  redis.call('ZADD', KEYS[1], until_ms, lease)
  return 0
end
-- What the node wrote under it after it was cleared is cleared once more.
if ARGV[2] ~= '0' then redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now), lease) end
redis.call('ZADD', KEYS[1], until_ms, ARGV[1] .. '#' .. string.format('%.0f', ARGV[2] + 1))
return 1
