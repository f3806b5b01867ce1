-- tell: the news of a silent errand go to a queue of ours; its note goes, and that only once. Or nothing is told: it is
-- over, or its end is known from now on.
--
-- KEYS  1 redo list of the queue
-- ARGV  1 hash of the notes of its chord · 2 all errands · 3 its name there · 4 its id
--       5 the message; 'over'; 'ended', which leaves the last note of the chord there; or 'known'
--       6 broker's database · 7 results' database, '' when it is the same
-- Returns 1, or 0 where somebody else has told it.
local call = redis.call
if ARGV[7] ~= '' then call('SELECT', ARGV[7]) end
if ARGV[5] == 'known' then
  local opened, note = string.match(call('HGET', ARGV[1], ARGV[4]) or '', '^(%d) 0 (.*)$')
  if opened then
    local now = call('TIME')
    call('HSET', ARGV[1], ARGV[4], opened .. ' ' .. now[1] * 1000 + math.floor(now[2] / 1000) .. ' ' .. note)
  end
  if ARGV[7] ~= '' then call('SELECT', ARGV[6]) end
  return opened and 1 or 0
end
if ARGV[5] == 'ended' and call('HGET', ARGV[1], '#') == '1' then
  if ARGV[7] ~= '' then call('SELECT', ARGV[6]) end
  return 0
end
local ours = call('HDEL', ARGV[1], ARGV[4])
call('ZREM', ARGV[2], ARGV[3])
if ours == 1 and call('HINCRBY', ARGV[1], '#', -1) < 1 then call('DEL', ARGV[1]) end
if ARGV[7] ~= '' then call('SELECT', ARGV[6]) end
if ours == 1 and ARGV[5] ~= 'over' and ARGV[5] ~= 'ended' then call('LPUSH', KEYS[1], '0 - 0 -\n' .. ARGV[5]) end
return ours
