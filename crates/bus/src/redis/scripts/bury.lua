-- Moves an entry of the write-ahead log to the dead letters.
--
-- KEYS  write-ahead log, dead letters, its room, seqs stored ahead in it
-- ARGV  group, entry id, bound of the dead letters, frame, origin, reason, now (ms), seq,
--       whether room and seq are known ('1' or '0')

if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if redis.call('XDEL', KEYS[1], ARGV[2]) == 1 then
  redis.call('XADD', KEYS[2], '*', 'f', ARGV[4], 'o', ARGV[5], 'r', ARGV[6], 't', ARGV[7])
  -- The hot log need not wait for it any more: to the next settlement it counts as stored.
  local stored = ARGV[9] == '1' and redis.call('HGET', KEYS[3], 'stored')
  if stored and tonumber(ARGV[8]) > tonumber(stored) then
    redis.call('ZADD', KEYS[4], ARGV[8], ARGV[8])
  end
end
return 'ok'
