-- How full a partition is: entries, id of the oldest, dead letters, now (ms).
--
-- KEYS  write-ahead log, dead letters

local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local time = redis.call('TIME')
return {
  redis.call('XLEN', KEYS[1]),
  oldest and oldest[1] or '',
  redis.call('XLEN', KEYS[2]),
  time[1] * 1000 + math.floor(time[2] / 1000),
}
