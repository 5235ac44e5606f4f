-- Starts a new epoch if the room is still in the expected one. Returns where it is then.
--
-- KEYS  room and channel, hot log, seqs stored ahead
-- ARGV  expected epoch, epoch, seq, publish command

local room = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
if room[1] and room[1] ~= ARGV[1] then return room end

local epoch = math.max(tonumber(ARGV[2]), tonumber(ARGV[1]) + 1)
local seq = math.max(tonumber(ARGV[3]), tonumber(room[2] or '0'))
epoch, seq = string.format('%.0f', epoch), string.format('%.0f', seq)
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

-- What was committed before has left the log, so that nothing has to wait for its storage.
redis.call('HSET', KEYS[1], 'epoch', epoch, 'seq', seq, 'stored', seq, 'began', seq, 'recovered', now)
redis.call('DEL', KEYS[2], KEYS[3])
redis.call(ARGV[4], KEYS[1], 'R' .. epoch .. ':' .. seq .. ';')
return {epoch, seq}
