-- recover: one message that a Python worker has held for too long goes back to its queues, or to the dead letters
-- where nothing can be made of it; if it is still the one that was looked at.
--
-- KEYS  1 `unacked` · 2 `unacked_index` · 3 … lists, or one: the dead letters
-- ARGV  1 tag · 2 score as it was · 3 entry as it was · 4 'put' or 'dead'
--       put: 5 … text for each list
--       dead: 5 id · 6 queue · 7 reason · 8 kept · 9 seconds
-- Returns 1, or 0: somebody else was faster.
local call = redis.call
if call('ZSCORE', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
if (call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[3] then return 0 end
call('ZREM', KEYS[2], ARGV[1])
call('HDEL', KEYS[1], ARGV[1])
if ARGV[4] == 'put' then
  for k = 3, #KEYS do call('RPUSH', KEYS[k], ARGV[k + 2]) end
  return 1
end
local dead, letter = KEYS[3], KEYS[3] .. ':' .. ARGV[5]
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
call('HSET', letter, 'queue', ARGV[6], 'reason', ARGV[7], 'taskId', '', 'task', '', 'attempts', 0,
  'lastWorker', '-', 'diedAt', ms, 'raw', ARGV[3])
call('EXPIRE', letter, ARGV[9])
call('ZADD', dead, ms, ARGV[5])
call('EXPIRE', dead, ARGV[9])
local many = call('ZCARD', dead) - tonumber(ARGV[8])
if many > 0 then
  local oldest = call('ZPOPMIN', dead, math.min(many, 100))
  for k = 1, #oldest, 2 do call('DEL', dead .. ':' .. oldest[k]) end
end
return 1
