-- Gives an event its place: dedupe, seq, hot log, write-ahead log, publish.
-- Redis does not roll a script back, so every check comes before the first write.
--
-- This is what a Redis can take a second, so it is kept short: what is the same for every commit of
-- a process stands in constants before it, and the room's channel is named like its counters.
--
-- LIMIT of the write-ahead log, WINDOW (ms), PUBLISH command
-- KEYS  room and channel, id, hot log, write-ahead log
-- ARGV  prefix, suffix, time and sender (':at:sender'), origin, checked ('1' or '0')

local call = redis.call

local seen = call('GET', KEYS[2])
if seen then return 'seen ' .. seen end

local room = call('HMGET', KEYS[1], 'epoch', 'seq', 'stored', 'recovered')
local epoch, last, stored, recovered = room[1], room[2], room[3], room[4]
if not epoch then return 'unseeded' end

if recovered and ARGV[5] == '0' then
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now < recovered + WINDOW then return 'lookup' end
end

if call('XLEN', KEYS[4]) >= LIMIT then return 'full' end

local seq = string.format('%.0f', last + 1)
local place = epoch .. ':' .. seq
local frame = ARGV[1] .. epoch .. ',"seq":' .. seq .. ARGV[2]

-- The hot log first: it takes a seq once, so one that was given before fails with nothing written.
call('XADD', KEYS[3], seq .. '-0', 'f', frame)
call('HSET', KEYS[1], 'seq', seq)
-- Without expiry: the id must be remembered until the event is stored, however long that takes.
call('SET', KEYS[2], place .. ARGV[3])
-- A log whose events are all stored has an expiry; what is not stored must not go with it.
if stored == last then call('PERSIST', KEYS[3]) end
call('XADD', KEYS[4], '*', 'f', frame, 'o', ARGV[4])
call(PUBLISH, KEYS[1], 'E' .. place .. ';' .. frame)
return place
