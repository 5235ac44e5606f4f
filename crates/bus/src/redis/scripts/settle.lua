-- Takes stored events off the write-ahead log, lets their ids expire and trims their hot logs.
--
-- A room counts how far it is stored without a hole ('stored'); what is stored beyond a hole waits
-- in a set until the hole closes. The hot log keeps everything from the first hole on.
--
-- KEYS  write-ahead log, then per room: room, hot log, seqs stored ahead, then per event: id
-- ARGV  group, window (ms), events a hot log keeps, idle time of a hot log (ms), rooms,
--       then per event: entry id, number of its room (from 0), seq, place ('epoch:seq:'),
--       time its id was made (ms)

local group, window, keep, idle = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local rooms = tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = 1 + 3 * rooms
local entries, seqs = {}, {}

for event = 0, #KEYS - ids - 1 do
  local at = 6 + 5 * event
  local room, place = tonumber(ARGV[at + 1]), ARGV[at + 3]
  entries[event + 1] = ARGV[at]
  seqs[room] = seqs[room] or {}
  table.insert(seqs[room], tonumber(ARGV[at + 2]))
  -- An id that was committed again has another place, which is not stored yet.
  local id = KEYS[ids + 1 + event]
  local seen = redis.call('GET', id)
  if seen and string.sub(seen, 1, #place) == place then
    local until_ms = math.max(now, tonumber(ARGV[at + 4])) + window
    redis.call('PEXPIREAT', id, string.format('%.0f', until_ms))
  end
end
redis.call('XACK', KEYS[1], group, unpack(entries))
redis.call('XDEL', KEYS[1], unpack(entries))

for room, stored_now in pairs(seqs) do
  local counters, log, ahead = KEYS[2 + 3 * room], KEYS[3 + 3 * room], KEYS[4 + 3 * room]
  local at = redis.call('HMGET', counters, 'seq', 'stored')
  if at[1] and at[2] then
    local head, stored = tonumber(at[1]), tonumber(at[2])
    table.sort(stored_now)
    for _, seq in ipairs(stored_now) do
      if seq == stored + 1 then
        stored = seq
      elseif seq > stored then
        local text = string.format('%.0f', seq)
        redis.call('ZADD', ahead, text, text)
      end
    end
    local next = tonumber(redis.call('ZRANGE', ahead, 0, 0)[1])
    while next and next <= stored + 1 do
      stored = math.max(stored, next)
      redis.call('ZREMRANGEBYRANK', ahead, 0, 0)
      next = tonumber(redis.call('ZRANGE', ahead, 0, 0)[1])
    end
    redis.call('HSET', counters, 'stored', string.format('%.0f', stored))
    if stored == head then redis.call('PEXPIRE', log, idle) end
    local from = math.min(head - keep, stored) + 1
    if from > 1 then redis.call('XTRIM', log, 'MINID', string.format('%.0f', from)) end
  end
end
return 1
