-- Takes stored events off the write-ahead log, lets their ids expire and trims their hot logs.
--
-- KEYS  write-ahead log, then per room: room, hot log, unstored seqs, then per event: id
-- ARGV  group, window (ms), events a hot log keeps, idle time of a hot log (ms), rooms,
--       then per event: entry id, number of its room (from 0), seq, place ('epoch:seq:'),
--       time its id was made (ms)

local group, window, keep, idle = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local rooms = tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = 1 + 3 * rooms

for event = 0, #KEYS - ids - 1 do
  local at = 6 + 5 * event
  local entry, room, seq, place = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  redis.call('XACK', KEYS[1], group, entry)
  redis.call('XDEL', KEYS[1], entry)
  redis.call('ZREM', KEYS[4 + 3 * room], seq)
  -- An id that was committed again has another place, which is not stored yet.
  local id = KEYS[ids + 1 + event]
  local seen = redis.call('GET', id)
  if seen and string.sub(seen, 1, #place) == place then
    local until_ms = math.max(now, tonumber(ARGV[at + 4])) + window
    redis.call('PEXPIREAT', id, string.format('%.0f', until_ms))
  end
end

for room = 0, rooms - 1 do
  local head = redis.call('HGET', KEYS[2 + 3 * room], 'seq')
  local log = KEYS[3 + 3 * room]
  local unstored = redis.call('ZRANGE', KEYS[4 + 3 * room], 0, 0)[1]
  if head then
    local from = tonumber(head) - keep + 1
    if unstored then
      from = math.min(from, tonumber(unstored))
    else
      redis.call('PEXPIRE', log, idle)
    end
    if from > 1 then redis.call('XTRIM', log, 'MINID', string.format('%.0f', from)) end
  end
end
return 1
