-- forsake: what nothing leads to any more is taken away, unless somebody has just said that it is needed.
--
-- KEYS  1 the orphans
-- ARGV  1 broker's database · 2 database of chords, '' when it is the same
--       then for each: name, number of its keys, how many of them lie in the broker’s database, these keys, the others
-- Returns the names of those that were taken away.
local call = redis.call
local taken, at = {}, 3
while at <= #ARGV do
  local name, count, here = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local from = at + 3
  if call('ZREM', KEYS[1], name) == 1 then
    for i = from, from + here - 1 do call('UNLINK', ARGV[i]) end
    if ARGV[2] ~= '' then call('SELECT', ARGV[2]) end
    for i = from + here, from + count - 1 do call('UNLINK', ARGV[i]) end
    if ARGV[2] ~= '' then call('SELECT', ARGV[1]) end
    taken[#taken + 1] = name
  end
  at = from + count
end
return taken
