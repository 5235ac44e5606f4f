-- Publishes the same on several channels of one slot.
--
-- KEYS  the channels
-- ARGV  the command that publishes, what to publish

for i = 1, #KEYS do redis.call(ARGV[1], KEYS[i], ARGV[2]) end
return #KEYS
