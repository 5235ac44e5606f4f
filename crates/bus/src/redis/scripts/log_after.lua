-- The events after a position, with the head they were read under.
--
-- KEYS  room, hot log
-- ARGV  epoch, seq, limit

local room = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
local epoch, seq = room[1], room[2]
if not epoch then return {'unseeded'} end

local after = tonumber(ARGV[2])
if epoch ~= ARGV[1] or after > tonumber(seq) then return {'foreign', epoch, seq} end
if after == tonumber(seq) then return {'events', epoch, seq, {}} end

local first = string.format('%.0f-0', after + 1)
local entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', ARGV[3])
if entries[1] and entries[1][1] == first then return {'events', epoch, seq, entries} end

local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
return {'missed', epoch, seq, oldest and oldest[1] or ''}
