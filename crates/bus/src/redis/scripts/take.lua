-- One step of GCRA, by Redis's clock: {1, remaining} or {0, microseconds to wait}.
--
-- KEYS  the theoretical arrival time (microseconds)
-- ARGV  burst, every (microseconds)

local burst, every = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = tonumber(redis.call('GET', KEYS[1]) or '0')
local next = math.max(due, now) + every
local horizon = now + every * burst
if next > horizon then return {0, next - horizon} end
if every == 0 then return {1, burst - 1} end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return {1, math.floor((horizon - next) / every)}
