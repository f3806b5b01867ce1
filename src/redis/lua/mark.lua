-- mark: a held message gets another name in its hash. The name's letters tell the reaper what became of it:
-- `e` acknowledged early.
--
-- KEYS  1 the consumer's hash
-- ARGV  1 field · 2 its new name
-- Returns 1, or 0 when it is not ours any more. Sent again it finds the new name.
local call = redis.call
local value = call('HGET', KEYS[1], ARGV[1])
if not value then return call('HEXISTS', KEYS[1], ARGV[2]) end
call('HDEL', KEYS[1], ARGV[1])
call('HSET', KEYS[1], ARGV[2], value)
return 1
