-- admit: may this delivery run, whose gate stands in no header that a claim could read? If not, it goes to the line.
--
-- KEYS  1 the consumer's hash · 2, 3 `unacked` and its index where the queue is shared
-- ARGV  1 field · 2 prefix of all our keys · 3 consumer · 4 its gate · 5 queue · 6 note for a first delivery
--       7 its tag in `unacked`: from now on it is ours alone, and Python does not find it there
-- Returns 'run', 'wait' or 'lost'.
local call, gates = redis.call, gating(ARGV[2])
local hash, field = KEYS[1], ARGV[1]
local value = call('HGET', hash, field)
local inside = string.find(field, 'g', 1, true) and value or call('HEXISTS', hash, field .. 'g') == 1
if inside or not value then return inside and 'run' or 'lost' end
call('HDEL', hash, field)
if KEYS[2] then
  call('ZREM', KEYS[3], ARGV[7])
  if call('HDEL', KEYS[2], ARGV[7]) == 0 then return 'lost' end
end
local rest = string.find(field, 'r', 1, true) and value or ARGV[6] .. '\n' .. value
if not gates.enter(ARGV[4], ARGV[3], ARGV[5], rest) then return 'wait' end
call('HSET', hash, field .. 'g', ARGV[4] .. '\n' .. value)
return 'run'
