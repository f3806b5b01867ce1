-- serve: a consumer turns to other queues, while it runs.
--
-- KEYS  1 the consumer's hash · 2 binding set, … of each queue
-- ARGV  1 queue names as JSON: those that it had, in their places, and new ones behind them · 2 member of each binding set, …
-- Returns 1, or 0 when the lease is lost: then nothing was written. Sent again it changes nothing.
local call = redis.call
if call('EXISTS', KEYS[1]) == 0 then return 0 end
call('HSET', KEYS[1], 'queues', ARGV[1])
for k = 2, #KEYS do call('SADD', KEYS[k], ARGV[k]) end
return 1
