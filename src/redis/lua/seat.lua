-- seat: a place among those that block on a list. Each push wakes all who block there, so they are few; the
-- rest polls.
--
-- KEYS  1 the queue's waiters
-- ARGV  1 consumer · 2 places · 3 ms that a place is kept
-- Returns 1 (yours) or 0.
local call = redis.call
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms)
if not call('ZSCORE', KEYS[1], ARGV[1]) and call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
call('ZADD', KEYS[1], ms + tonumber(ARGV[3]), ARGV[1])
call('PEXPIRE', KEYS[1], ARGV[3])
return 1
