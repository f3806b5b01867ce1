-- entry: one definition of a periodic entry is put or taken away, if it is still the one that was seen.
--
-- KEYS  1 definitions · 2 states · 3 changes · 4 the entry's history
-- ARGV  1 name · 2 expected revision, 0 for none, '' for any · 3 definition, '' takes it away · 4 first state
--       5 channel · 6 changes kept · 7 seconds that they are kept
-- Returns 1, or 0: it is another one, or not there. A call that is sent again finds its own definition.
-- Or -1 - the index of a key that holds something else; then nothing was written.
local call = redis.call
for place, kind in ipairs({ 'hash', 'hash', 'zset' }) do
  local found = call('TYPE', KEYS[place]).ok
  if found ~= 'none' and found ~= kind then return -1 - place end
end
local stored = call('HGET', KEYS[1], ARGV[1])
local revision, text = string.match(stored or '0 ', '^(%d+) (.*)$')
if ARGV[3] ~= '' and text == ARGV[3] then return 1 end
if ARGV[2] ~= '' and ARGV[2] ~= (revision or '') then return 0 end
if ARGV[3] == '' then
  if not stored then return 0 end
  call('HDEL', KEYS[1], ARGV[1])
  call('HDEL', KEYS[2], ARGV[1])
  call('DEL', KEYS[4])
else
  call('HSET', KEYS[1], ARGV[1], string.format('%.0f', (tonumber(revision) or 0) + 1) .. ' ' .. ARGV[3])
  if ARGV[4] ~= '' then call('HSETNX', KEYS[2], ARGV[1], '1 ' .. ARGV[4]) end
end
-- Numbered by time, so that numbers go on where the changes before are forgotten.
local time = call('TIME')
local last = call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
local number = math.max(time[1] * 1000000 + time[2], tonumber(last or '0') + 1)
call('ZADD', KEYS[3], string.format('%.0f', number), ARGV[1])
call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[6])
call('EXPIRE', KEYS[3], ARGV[7])
call('PUBLISH', ARGV[5], ARGV[1])
return 1
