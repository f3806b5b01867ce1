-- purge: drops what waits in lists.
--
-- KEYS  1 tasks that wait for their rate · 2 … the lists
-- ARGV  1 prefix of the lists of such tasks
-- Returns how many messages they held.
local dropped = 0
local lists = { unpack(KEYS, 2) }
for _, task in ipairs(redis.call('SMEMBERS', KEYS[1])) do lists[#lists + 1] = ARGV[1] .. task end
for _, key in ipairs(lists) do
  if redis.call('TYPE', key).ok == 'list' then
    dropped = dropped + redis.call('LLEN', key)
    redis.call('DEL', key)
  end
end
redis.call('DEL', KEYS[1])
return dropped
