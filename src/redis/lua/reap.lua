-- reap: what consumers held whose lease has ended (or one that leaves) goes to the redo lists.
--
-- KEYS  1 the consumers
-- ARGV  1 prefix of consumer hashes · 2 prefix of redo lists · 3 most messages in this call
--       4 id of a consumer that leaves by itself (nothing is counted), '' for the expired ones
--       5 prefix of all our keys
-- Returns { messages moved, 1 when there is more to do, id of the consumer or '', its host }, and behind them its
-- queues and what it held of shared ones: field, message, '1' (its delivery arrived), … in the order of their claims. The
-- reaper marks those and gives them back (restore.lua); as long as any are left, the hash stays.
--
-- First the hash is renamed: from then on every call of its owner finds nothing and is told *lost*. A renamed
-- consumer stands in the set with '!' before its id until its messages are moved.
local call, pcall, gates = redis.call, redis.pcall, gating(ARGV[5])
call('ZREM', KEYS[1], '') -- lets the later writes pass on a full server
local leaving = ARGV[4] ~= ''
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local id = ARGV[4]
if not leaving then id = call('ZRANGEBYSCORE', KEYS[1], '-inf', ms, 'LIMIT', 0, 1)[1] end
if not id then return { 0, 0, '', '' } end

local hash = ARGV[1] .. id
if not leaving and string.sub(id, 1, 1) ~= '!' then
  call('ZREM', KEYS[1], id)
  if call('EXISTS', hash) == 0 then return { 0, 1, '', '' } end
  call('RENAME', hash, ARGV[1] .. '!' .. id)
  id = '!' .. id
  hash = ARGV[1] .. id
  call('ZADD', KEYS[1], 0, id)
end

local host = call('HGET', hash, 'host')
if not host then
  call('ZREM', KEYS[1], id)
  call('DEL', hash)
  return { 0, leaving and 0 or 1, '', '' }
end
local queues = cjson.decode(call('HGET', hash, 'queues'))
-- What came with the last request of a lane may never have arrived.
local lanes = {}
for _, lane in ipairs(call('HMGET', hash, 'l0', 'l1', 'lw', 'lp')) do
  local request, slots = string.match(lane or '', '^(%d+) (%d+)')
  if request then lanes[#lanes + 1] = { tonumber(request), tonumber(request) + tonumber(slots) } end
end

local held, listed = {}, {}
for _, field in ipairs(call('HKEYS', hash)) do
  local n, marks = string.match(field, '^(%d+):?%d*(%a*)$')
  if n then
    local isListed = string.find(marks, 's', 1, true) and not string.find(marks, '[ejg]')
    local into = isListed and listed or held
    into[#into + 1] = { tonumber(n), field }
  end
end
-- The newest first, so that the oldest is the next to be popped.
table.sort(held, function(a, b) return a[1] > b[1] end)
local many, stuck = math.min(#held, tonumber(ARGV[3])), false
local function arrived(n)
  for _, lane in ipairs(lanes) do if n >= lane[1] and n < lane[2] then return false end end
  return true
end
for i = 1, many do
  local n, field = held[i][1], held[i][2]
  local list, marks = string.match(field, '^%d+:?(%d*)(%a*)$')
  list = tonumber(list) or 0
  local value = call('HGET', hash, field)
  if string.find(marks, 'g', 1, true) then
    local gate
    gate, value = string.match(value, '^([^\n]*)\n(.*)$')
    gates.goBack(gate, value)
  end
  local attempts, flag, step, worker = 0, '-', list % 4, host
  if string.find(marks, 'r', 1, true) then
    local cut = string.find(value, '\n', 1, true)
    attempts, flag, step, worker = string.match(string.sub(value, 1, cut - 1), '^(%d+) (%S+) (%d) (.*)$')
    value = string.sub(value, cut + 1)
    if worker == '-' then worker = host end -- from a gate's line, or set aside: nobody had it before
  end
  local noted = string.find(marks, 'n', 1, true)
  if string.find(marks, 'j', 1, true) then
    flag, worker = 'm', host -- its run is over, its chord's body is not out
  elseif string.find(marks, 'e', 1, true) or flag == 'e' then
    flag, worker = 'e', host -- acknowledged early: lost with its worker
  elseif noted then
    flag, worker = '-', host
    if not leaving then attempts = attempts + 1 end
  elseif flag ~= 'm' and tonumber(attempts) == 0 and not leaving then
    -- (Of others nobody may start one before it is noted: nobody did.)
    worker = host
    if arrived(n) then attempts = attempts + 1 else flag = 'm' end
  end
  local done = pcall('RPUSH', ARGV[2] .. queues[math.floor(list / 4) + 1],
    attempts .. ' ' .. flag .. ' ' .. step .. ' ' .. worker .. '\n' .. value)
  if type(done) == 'table' then stuck = true else call('HDEL', hash, field) end
end
-- Something else lies under the name of a redo list: a second later it may be gone.
if stuck then
  if not leaving then call('ZADD', KEYS[1], ms + 1000, id) end
  return { many, leaving and 0 or 1, '', '' }
end
if many < #held then return { many, 1, id, host } end
if #listed > 0 then
  table.sort(listed, function(a, b) return a[1] > b[1] end)
  local reply = { many, 1, id, host, call('HGET', hash, 'queues') }
  for i = 1, math.min(#listed, tonumber(ARGV[3])) do
    local n, field = listed[i][1], listed[i][2]
    local known = call('HGET', hash, field)
    for _, each in ipairs({ field, known, arrived(n) and '1' or '0' }) do reply[#reply + 1] = each end
  end
  return reply
end
call('DEL', hash)
call('ZREM', KEYS[1], id)
return { many, leaving and 0 or 1, id, host }
