-- purge: drops what waits in a queue.
--
-- KEYS  1 tasks that wait for their rate · 2 how many wait at which gate · 3 redo list · 4 … the other lists
-- ARGV  1 prefix of the lists of such tasks · 2 prefix of all our keys · 3 queue
-- Returns how many messages there were.
local call, base, gates = redis.call, ARGV[2], gating(ARGV[2])
local function isList(key) return call('TYPE', key).ok == 'list' end

-- Who is inside a gate and on the way to a worker lies in the redo list, or waits for its rate: its place is free then.
local leaving = {}
local function leavingFrom(key)
  if not isList(key) then return end
  for _, value in ipairs(call('LRANGE', key, 0, -1)) do
    local gate = gates.ofRedo(string.match(value, '^[^\n]*'), value)
    leaving[#leaving + 1] = gate
  end
end
leavingFrom(KEYS[3])

local dropped = 0
local lists = { unpack(KEYS, 3) }
for _, task in ipairs(call('SMEMBERS', KEYS[1])) do
  lists[#lists + 1] = ARGV[1] .. task
  leavingFrom(ARGV[1] .. task)
end
for _, key in ipairs(lists) do
  if isList(key) then
    dropped = dropped + call('LLEN', key)
    call('DEL', key)
  end
end

local waiting = call('HGETALL', KEYS[2])
for i = 1, #waiting, 2 do
  local line = base .. 'line:' .. waiting[i]
  for _, entry in ipairs(call('LRANGE', line, 0, -1)) do
    if string.match(entry, '^[^\n]*\n([^\n]*)\n') == ARGV[3] then
      dropped = dropped + call('LREM', line, 1, entry)
    end
  end
end
call('DEL', KEYS[1], KEYS[2])
for i = #leaving, 1, -1 do gates.leave(leaving[i]) end -- in the order in which they would have been claimed
return dropped
