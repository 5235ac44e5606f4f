-- Lets one through in a while, and the same one again: -1, or milliseconds to wait. What is left of
-- the while is no more than what the last one's own and the present one leave of it.
--
-- KEYS  when the last one was let through (ms), a colon, and its name
-- ARGV  name, every (ms)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at, name = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(.*)$')
if name == ARGV[1] then return -1 end
if at then
  local wait = math.min(at + ARGV[2] - now, redis.call('PTTL', KEYS[1]))
  if wait > 0 then return wait end
end
redis.call('SET', KEYS[1], string.format('%.0f:', now) .. ARGV[1], 'PX', ARGV[2])
return -1
