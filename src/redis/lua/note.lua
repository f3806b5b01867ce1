-- note: an uncertain delivery is about to be run. Has it ended before? If not, its start is noted: by `n` in
-- the field's name, so that the reaper counts it. If it has, `j`: whoever gets it next must ask again.
--
-- KEYS  1 the consumer's hash · 2 `unacked` · 3 `unacked_index`
-- ARGV  1 field · 2 marker, '' without · 3 broker's database · 4 results' database, '' when it is the same
--       5 tag in `unacked` of a message of a shared queue, else ''
--       then for each chord part: seen, taken, task id, group, body
-- Returns 'lost', 'run', or { { group, body, members }, … }: done, with the bodies that are not out.
local call = redis.call
local hash, field = KEYS[1], ARGV[1]
local value = call('HGET', hash, field)
local again = false
if not value then
  if call('HEXISTS', hash, field .. 'n') == 1 then return 'run' end
  if call('HEXISTS', hash, field .. 'j') == 0 then return 'lost' end
  again = true
end

-- A Python worker's recovery has it: it is nobody's business here any more.
if ARGV[5] ~= '' and value and call('HEXISTS', KEYS[2], ARGV[5]) == 0 then
  call('HDEL', hash, field)
  return 'lost'
end

local done = again or (ARGV[2] ~= '' and call('EXISTS', ARGV[2]) == 1)
local joins = {}
if ARGV[4] ~= '' then call('SELECT', ARGV[4]) end
for i = 6, #ARGV, 5 do
  if call('SISMEMBER', ARGV[i], ARGV[i + 2]) == 1 then
    done = true
    local kind = call('TYPE', ARGV[i + 1]).ok
    if kind == 'zset' then
      joins[#joins + 1] = { ARGV[i + 3], ARGV[i + 4], call('ZRANGE', ARGV[i + 1], 0, -1) }
    elseif kind == 'list' then
      joins[#joins + 1] = { ARGV[i + 3], ARGV[i + 4], call('LRANGE', ARGV[i + 1], 0, -1) }
    end
  end
end
if ARGV[4] ~= '' then call('SELECT', ARGV[3]) end
if not again then
  call('HDEL', hash, field)
  call('HSET', hash, field .. (done and 'j' or 'n'), value)
  if done and ARGV[5] ~= '' then
    call('HDEL', KEYS[2], ARGV[5])
    call('ZREM', KEYS[3], ARGV[5])
  end
end
return done and joins or 'run'
