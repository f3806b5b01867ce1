-- renew: leases by the server's clock. Called by the lease thread.
--
-- KEYS  1 the consumers
-- ARGV  for each consumer: id, lease in ms
-- Returns { server's time in ms, 1 (renewed) or 0 (it is gone) for each }.
local call = redis.call
call('ZREM', KEYS[1], '') -- lets the ZADD pass on a full server
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local reply = { ms }
for i = 1, #ARGV, 2 do
  local there = call('ZSCORE', KEYS[1], ARGV[i])
  if there then call('ZADD', KEYS[1], 'XX', ms + tonumber(ARGV[i + 1]), ARGV[i]) end
  reply[#reply + 1] = there and 1 or 0
end
return reply
