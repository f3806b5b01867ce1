-- restore: messages of shared queues that a consumer held which is gone (reap.lua has renamed its hash) or leaves.
-- Each goes back, marked, if nobody has taken it meanwhile.
--
-- KEYS  1 the consumer's hash · 2 `unacked` · 3 `unacked_index` · 4 redo list · 5 … lists
-- ARGV  1 what stands before the consumer's tags in `unacked`
--       then for each message: field, text as it was, text as it shall be, KEYS index of its list
-- Returns how many went back. Sent again it finds none of them.
local call, pcall = redis.call, redis.pcall
call('ZREM', KEYS[3], '') -- lets the later writes pass on a full server
local count = 0
for i = 2, #ARGV, 4 do
  local field = ARGV[i]
  if call('HGET', KEYS[1], field) == ARGV[i + 1] then
    call('HDEL', KEYS[1], field)
    local tag = ARGV[1] .. string.match(field, '^%d+')
    call('ZREM', KEYS[3], tag)
    -- Not there any more: a Python worker's sweep was faster, and it runs there.
    if call('HDEL', KEYS[2], tag) == 1 then
      local done = pcall('RPUSH', KEYS[tonumber(ARGV[i + 3])], ARGV[i + 2])
      if type(done) == 'table' then call('RPUSH', KEYS[4], '0 m 0 -\n' .. ARGV[i + 2]) end
      count = count + 1
    end
  end
end
return count
