-- Puts a dead letter back on the write-ahead log. Returns whether there was one.
--
-- KEYS  write-ahead log, dead letters
-- ARGV  id

local letter = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
if not letter then return 0 end
local fields = {}
for i = 1, #letter[2], 2 do fields[letter[2][i]] = letter[2][i + 1] end
redis.call('XADD', KEYS[1], '*', 'f', fields.f, 'o', fields.o)
redis.call('XDEL', KEYS[2], ARGV[1])
return 1
