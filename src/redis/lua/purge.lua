-- purge: drops what waits in a queue, or sets it aside, where it is ended piece by piece (worker/purge.ts). Plain
-- lists are one step, however long. What is inside a gate, stands in its line or waits for its rate is taken one by
-- one, as many in a call as a moment has room for (redis/purging.ts calls again).
--
-- KEYS  1 tasks that wait for their rate · 2 how many wait at which gate · 3 redo list · 4 … the other lists
-- ARGV  1 prefix of the lists of such tasks · 2 prefix of all our keys · 3 queue · 4 most entries looked at in this call
--       5 gate whose line was looked at last, '' for none · 6 how much of it has been looked at; -1: this is the first call
--       then, where it is set aside: a redo list and other lists, as many as there are of the queue
-- Returns -1: what was set aside before lies there still, and nothing was moved. Else { messages taken, entries looked at,
-- 1 when there may be more, gate, how much of its line was looked at, entries that are to be looked at: in the first call }.
local call, base, gates = redis.call, ARGV[2], gating(ARGV[2])
local queue, most = ARGV[3], tonumber(ARGV[4])
local name, offset = ARGV[5], tonumber(ARGV[6])
local aside = { unpack(ARGV, 7) }
local taken, looked, ahead = 0, 0, 0
local function lengthOf(key) return call('TYPE', key).ok == 'list' and call('LLEN', key) or 0 end

if offset < 0 then
  offset = 0
  for _, key in ipairs(aside) do
    if call('EXISTS', key) == 1 then return -1 end
  end
  for i = 4, #KEYS do
    local many, to = lengthOf(KEYS[i]), aside[i - 2]
    if many > 0 then
      taken = taken + many
      if to then call('RENAME', KEYS[i], to) else call('UNLINK', KEYS[i]) end
    end
  end
  ahead = lengthOf(KEYS[3])
  for _, task in ipairs(call('SMEMBERS', KEYS[1])) do ahead = ahead + lengthOf(ARGV[1] .. task) end
  for _, gate in ipairs(call('HKEYS', KEYS[2])) do ahead = ahead + lengthOf(base .. 'line:' .. gate) end
end

-- What lies beside the plain lists, with its note: set aside, it knows of no gate.
local lined, noted = {}, {}

local function aGate()
  local cursor, found = '0', {}
  repeat
    cursor, found = unpack(call('HSCAN', KEYS[2], cursor))
  until found[1] or cursor == '0'
  return found[1] or ''
end

-- From the end at which messages come: what comes meanwhile moves nothing past a look.
local function takeFromLine()
  local line, from = base .. 'line:' .. name, offset
  local entries = call('LRANGE', line, from, from + most - looked - 1)
  local ours = {}
  for k, entry in ipairs(entries) do
    if string.match(entry, '^[^\n]*\n([^\n]*)\n') == queue then
      ours[#ours + 1] = k
      lined[#lined + 1] = string.match(entry, '^[^\n]*\n[^\n]*\n(.*)$')
    end
  end
  if #ours > 0 and #ours == #entries and from == 0 then
    call('LTRIM', line, #entries, -1)
  else
    for _, k in ipairs(ours) do call('LSET', line, from + k - 1, '') end
    if #ours > 0 then call('LREM', line, #ours, '') end
  end
  taken, looked, offset = taken + #ours, looked + #entries, from + #entries - #ours
  local isThrough = offset >= call('LLEN', line)
  local left = call('HINCRBY', KEYS[2], name, -#ours)
  if left <= 0 or isThrough and from == 0 then call('HDEL', KEYS[2], name) end
  if left <= 0 or isThrough then name, offset = '', 0 end
end

-- Who is inside a gate and on the way to a worker lies in the redo list, or waits for its rate: its place is free then.
-- They leave in the order in which they would have been claimed.
local function takeFrom(key)
  if lengthOf(key) == 0 then return end
  for _, value in ipairs(call('RPOP', key, most - looked) or {}) do
    local before = string.match(value, '^[^\n]*')
    local gate, note = gates.ofRedo(before, value)
    noted[#noted + 1] = note .. string.sub(value, #before + 1)
    if gate then gates.leave(gate) end
    taken, looked = taken + 1, looked + 1
  end
end

-- The lines first: whoever leaves a gate lets nobody of this queue in.
if name == '' then name = aGate() end
while name ~= '' and looked < most do
  takeFromLine()
  if name == '' then name = aGate() end
end
local tasks = call('SMEMBERS', KEYS[1])
for i = #tasks, 1, -1 do
  if looked < most then takeFrom(ARGV[1] .. tasks[i]) end
  if lengthOf(ARGV[1] .. tasks[i]) == 0 then call('SREM', KEYS[1], tasks[i]) end
end
if looked < most then takeFrom(KEYS[3]) end

if #aside > 0 then
  if #lined > 0 then call('RPUSH', aside[1], unpack(lined)) end
  if #noted > 0 then call('LPUSH', aside[1], unpack(noted)) end
  -- If whoever purges dies, nobody has to look for it: it was to be dropped.
  for _, key in ipairs(aside) do call('EXPIRE', key, 86400) end
end
return { taken, looked, looked < most and 0 or 1, name, offset, ahead }
