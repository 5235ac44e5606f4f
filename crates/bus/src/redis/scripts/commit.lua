-- Gives an event its place: dedupe, seq, hot log, write-ahead log, publish.
-- Redis does not roll a script back, so every check comes before the first write.
--
-- KEYS  room, id, hot log, write-ahead log
-- ARGV  prefix, suffix, sender, at (ms), origin, checked ('1' or '0'), window (ms), log bound,
--       publish command, channel

local seen = redis.call('GET', KEYS[2])
if seen then return {'seen', seen} end

local room = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'stored', 'recovered')
local epoch, last, stored, recovered = room[1], room[2], room[3], room[4]
if not epoch then return {'unseeded'} end

if recovered and ARGV[6] == '0' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now < recovered + ARGV[7] then return {'lookup'} end
end

if redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[8]) then return {'full'} end

local seq = string.format('%.0f', last + 1)
local frame = ARGV[1] .. epoch .. ',"seq":' .. seq .. ARGV[2]

redis.call('HSET', KEYS[1], 'seq', seq)
-- Without expiry: the id must be remembered until the event is stored, however long that takes.
redis.call('SET', KEYS[2], epoch .. ':' .. seq .. ':' .. ARGV[4] .. ':' .. ARGV[3])
redis.call('XADD', KEYS[3], seq .. '-0', 'f', frame)
-- A log whose events are all stored has an expiry; what is not stored must not go with it.
if stored == last then redis.call('PERSIST', KEYS[3]) end
redis.call('XADD', KEYS[4], '*', 'f', frame, 'o', ARGV[5])
redis.call(ARGV[9], ARGV[10], 'E' .. epoch .. ':' .. seq .. ';' .. frame)
return {'new', epoch, seq}
