-- register: a consumer comes into being: its hash (record, fence and memory of resends) and its lease.
--
-- KEYS  1 the consumer's hash · 2 the consumers · 3 binding set, … of each queue
-- ARGV  1 id · 2 lease, ms · 3 host name · 4 queue names as JSON · 5 member of each binding set, …
-- Returns the server's time, ms. Sent again it changes nothing but the lease.
local call = redis.call
call('ZREM', KEYS[2], '') -- a write that a full server allows opens the way for those that it would refuse
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
if call('EXISTS', KEYS[1]) == 0 then
  call('HSET', KEYS[1], 'l0', '0 0', 'l1', '0 0', 'lw', '0 0', 'lr', '0 0', 'lp', '0 0', 'host', ARGV[3], 'queues', ARGV[4])
end
call('ZADD', KEYS[2], ms + tonumber(ARGV[2]), ARGV[1])
for k = 3, #KEYS do call('SADD', KEYS[k], ARGV[k + 2]) end
return ms
