-- Takes over entries that nobody settled for a while: id, fields and earlier deliveries of each.
-- Where there are none, removes consumers that hold nothing and have long been gone.
--
-- KEYS  write-ahead log
-- ARGV  group, consumer, idle (ms), most entries, time after which a consumer is gone (ms)

local group, consumer, most = ARGV[1], ARGV[2], tonumber(ARGV[4])
local taken, cursor = {}, '0-0'
repeat
  local page = redis.call('XAUTOCLAIM', KEYS[1], group, consumer, ARGV[3], cursor,
    'COUNT', most - #taken)
  cursor = page[1]
  for _, entry in ipairs(page[2]) do
    local pending = redis.call('XPENDING', KEYS[1], group, entry[1], entry[1], 1)[1]
    taken[#taken + 1] = {entry[1], entry[2], pending and pending[4] - 1 or 0}
  end
until cursor == '0-0' or #taken >= most

if #taken == 0 then
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
    local of = {}
    for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
    if of.name ~= consumer and of.pending == 0 and of.idle > tonumber(ARGV[5]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, of.name)
    end
  end
end
return taken
