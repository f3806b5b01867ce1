-- purge: drops what waits in lists.
--
-- KEYS  the lists
-- Returns how many messages they held.
local dropped = 0
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'list' then
    dropped = dropped + redis.call('LLEN', key)
    redis.call('DEL', key)
  end
end
return dropped
