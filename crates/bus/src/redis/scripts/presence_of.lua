-- The connections of users: per user connection, 'lease|status', ...
--
-- KEYS  the users' connections

local users = {}
for i = 1, #KEYS do users[i] = redis.call('HGETALL', KEYS[i]) end
return users
