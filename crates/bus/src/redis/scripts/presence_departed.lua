-- Users whose grace is over, each with the time their last connection ended (ms). One process at a
-- time is told: the one that asked last, for as long as it goes on asking.
--
-- KEYS  leaving users, reaper
-- ARGV  grace (ms), most users, who asks, how long the right to ask lasts (ms)

local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[3] then return {} end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local until_ms = string.format('%.0f', now - ARGV[1])
return redis.call('ZRANGE', KEYS[1], '-inf', until_ms, 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
