-- mark: a held message gets another name in its hash. The name's letters tell the reaper what became of it:
-- `e` acknowledged early.
--
-- KEYS  1 the consumer's hash · 2 `unacked` · 3 `unacked_index`
-- ARGV  1 field · 2 its new name · 3 tag in `unacked` of a message of a shared queue, else '': acknowledged, it
--       must not be found there
-- Returns 1, or 0 when it is not ours any more. Sent again it finds the new name.
local call = redis.call
local value = call('HGET', KEYS[1], ARGV[1])
if not value then return call('HEXISTS', KEYS[1], ARGV[2]) end
call('HDEL', KEYS[1], ARGV[1])
if ARGV[3] ~= '' then
  call('ZREM', KEYS[3], ARGV[3])
  if call('HDEL', KEYS[2], ARGV[3]) == 0 then return 0 end
end
call('HSET', KEYS[1], ARGV[2], value)
return 1
