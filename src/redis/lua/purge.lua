-- purge: drops what waits in a queue, or sets it aside, where it is ended piece by piece (worker/purge.ts).
--
-- KEYS  1 tasks that wait for their rate · 2 how many wait at which gate · 3 redo list · 4 … the other lists
-- ARGV  1 prefix of the lists of such tasks · 2 prefix of all our keys · 3 queue
--       then, where it is set aside: a redo list and other lists, as many as there are of the queue
-- Returns how many messages there were; -1: what was set aside before lies there still, and nothing was moved.
local call, base, gates = redis.call, ARGV[2], gating(ARGV[2])
local aside = { unpack(ARGV, 4) }
local function isList(key) return call('TYPE', key).ok == 'list' end
for _, key in ipairs(aside) do
  if call('EXISTS', key) == 1 then return -1 end
end

-- Who is inside a gate and on the way to a worker lies in the redo list, or waits for its rate: its place is free then.
local leaving = {}
-- What lies beside the plain lists, with its note: set aside, it knows of no gate.
local noted = {}
local function leavingFrom(key)
  if not isList(key) then return end
  for _, value in ipairs(call('LRANGE', key, 0, -1)) do
    local before = string.match(value, '^[^\n]*')
    local gate, note = gates.ofRedo(before, value)
    leaving[#leaving + 1] = gate
    noted[#noted + 1] = note .. string.sub(value, #before + 1)
  end
end
leavingFrom(KEYS[3])

local dropped = 0
local lists = { unpack(KEYS, 3) }
for _, task in ipairs(call('SMEMBERS', KEYS[1])) do
  lists[#lists + 1] = ARGV[1] .. task
  leavingFrom(ARGV[1] .. task)
end
for i, key in ipairs(lists) do
  if isList(key) then
    dropped = dropped + call('LLEN', key)
    local to = i > 1 and aside[i]
    if to then call('RENAME', key, to) else call('DEL', key) end
  end
end

local waiting = call('HGETALL', KEYS[2])
for i = 1, #waiting, 2 do
  local line = base .. 'line:' .. waiting[i]
  for _, entry in ipairs(call('LRANGE', line, 0, -1)) do
    if string.match(entry, '^[^\n]*\n([^\n]*)\n') == ARGV[3] then
      dropped = dropped + call('LREM', line, 1, entry)
      noted[#noted + 1] = string.match(entry, '^[^\n]*\n[^\n]*\n(.*)$')
    end
  end
end
call('DEL', KEYS[1], KEYS[2])
for i = #leaving, 1, -1 do gates.leave(leaving[i]) end -- in the order in which they would have been claimed
if #aside > 0 then
  for from = 1, #noted, 4000 do call('RPUSH', aside[1], unpack(noted, from, math.min(from + 3999, #noted))) end
  -- If whoever purges dies, nobody has to look for it: it was to be dropped.
  for _, key in ipairs(aside) do call('EXPIRE', key, 86400) end
end
return dropped
