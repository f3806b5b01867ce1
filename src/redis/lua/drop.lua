-- drop: dead letters are thrown away: those that are named, or the oldest hundred.
--
-- KEYS  1 the dead letters
-- ARGV  ids, if some are meant
-- Returns { how many there were, how many are left }. One that went back to its queue meanwhile is not among them.
local call = redis.call
local ids = ARGV
if #ids == 0 then ids = call('ZRANGE', KEYS[1], 0, 99) end
local dropped = 0
for _, id in ipairs(ids) do
  local letter = KEYS[1] .. ':' .. id
  if call('HEXISTS', letter, 'raw') == 1 then dropped = dropped + call('DEL', letter) end
  call('ZREM', KEYS[1], id)
end
return { dropped, call('ZCARD', KEYS[1]) }
