-- Gives a room its counters if it has none. Returns where it is then.
--
-- KEYS  room
-- ARGV  epoch, seq, recovered ('1' or '0')

local room = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
if room[1] then return room end

redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', ARGV[2], 'stored', ARGV[2], 'began', ARGV[2])
if ARGV[3] == '1' then
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', KEYS[1], 'recovered', now)
end
return {ARGV[1], ARGV[2]}
