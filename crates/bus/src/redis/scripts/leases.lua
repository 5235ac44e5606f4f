-- The leases that hold ('alive': name, milliseconds left, ...) or that have lapsed ('lapsed': name,
-- 0, ...).
--
-- KEYS  leases
-- ARGV  'alive' or 'lapsed'

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = string.format('%.0f', now)
local leases
if ARGV[1] == 'alive' then
  leases = redis.call('ZRANGE', KEYS[1], '(' .. text, '+inf', 'BYSCORE', 'WITHSCORES')
else
  leases = redis.call('ZRANGE', KEYS[1], '-inf', text, 'BYSCORE', 'WITHSCORES')
end
for i = 2, #leases, 2 do
  leases[i] = string.format('%.0f', math.max(tonumber(leases[i]) - now, 0))
end
return leases
