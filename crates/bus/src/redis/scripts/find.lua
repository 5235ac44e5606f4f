-- The hot log's entry of an id, if it still has it: entry id, fields.
--
-- KEYS  id, hot log

local seen = redis.call('GET', KEYS[1])
if not seen then return false end
local entry = string.match(seen, '^%d+:(%d+):') .. '-0'
return redis.call('XRANGE', KEYS[2], entry, entry)[1] or false
