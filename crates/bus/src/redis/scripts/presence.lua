-- What the presence scripts share. A user's hash holds connection → 'lease|status', and in 'left'
-- the latest end of one: 'milliseconds|status', the status being what others saw then.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local RANK = { offline = 0, away = 1, online = 2 }

-- When the last connection that ended did so, and what others saw then; nothing if none has.
local function latest_end(left)
  if not left then return nil, nil end
  local ended, status = string.match(left, '^(%d+)|(%a+)$')
  return tonumber(ended), status
end

-- What others see: the best of the connections, or for the grace what they saw before.
local function shown(user, grace)
  local best, left = 'offline', nil
  local fields = redis.call('HGETALL', user)
  for i = 1, #fields, 2 do
    if fields[i] == 'left' then
      left = fields[i + 1]
    else
      local status = string.match(fields[i + 1], '|(%a+)$')
      if RANK[status] > RANK[best] then best = status end
    end
  end
  local ended, status = latest_end(left)
  if best == 'offline' and ended and ended + grace > now then best = status end
  return best
end

