-- deliver: what an outbox holds is written where it belongs, on the server of the results.
--
-- KEYS  1 who delivers from this outbox · 2 number of the last of its entries that were counted here, with parts among them
-- ARGV  1 that it is us · 2 ms that it stays so · 3 how many of its entries were taken before these
--       then for each entry three words:
--         a result: key, seconds (0 for ever, '-': a FAILURE is to be forgotten), text
--         a part of a chord: JSON list of prefix, group, body, index, task id, …; 'part'; member
--         a part is taken back: JSON list of prefix, group, task id; 'back'; ''
--         a chord moves here: JSON list of what its keys begin with, size, and for each member that is in its score and its
--           bytes; 'open'; members
--         a chord grows by one: JSON list that begins with the key of .t, or with '' where none does; 'more'; ''
-- Returns 0 when somebody else delivers: he has looked after us, and what we saw may be old. Else 1, or for the parts that
-- completed a chord, also when they are delivered again: { { index of the entry, members }, … }.
local call, pcall = redis.call, redis.pcall
if call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
call('PEXPIRE', KEYS[1], ARGV[2])
local before, joins = tonumber(ARGV[3]), {}
local counted
-- What is not the same when it is done twice.
local counting = { part = true, more = true, open = true, back = true }

local function membersOf(key)
  if call('TYPE', key).ok == 'list' then return call('LRANGE', key, 0, -1) end
  return call('ZRANGE', key, 0, -1)
end

local function lengthen(key)
  if call('TTL', key) < 86400 then call('EXPIRE', key, 86400) end
end

local function idOf(member) return string.match(member, '^%[1, ?"([^"]*)"') end

-- As Celery's worker does it, but for parts that are there twice: those count once. Returns whether the chord is complete.
local function report(j, size, index, id, member)
  local kind = call('TYPE', j).ok
  local isList = kind == 'list'
  for _, known in ipairs(isList and call('LRANGE', j, 0, -1) or call('ZRANGEBYSCORE', j, index, index)) do
    if idOf(known) == id then return false end
  end
  local count = isList and call('RPUSH', j, member) or call('ZADD', j, index, member) and call('ZCARD', j)
  lengthen(j)
  if not size or count < size then return false end
  local known, left = {}, 0
  for _, each in ipairs(membersOf(j)) do
    local who = idOf(each) or each
    if not known[who] then left = left + 1
    elseif isList then call('LREM', j, -1, each)
    else call('ZREM', j, each) end
    known[who] = true
  end
  return left >= size
end

local function take(prefix, group, taken)
  local base = prefix .. 'celery-taskset-meta-' .. group
  call('RENAME', base .. '.j', taken)
  call('DEL', base .. '.t', base .. '.s')
  -- The nesting of a header with groups in it goes first.
  local saved = pcall('GET', base)
  if type(saved) ~= 'string' then return end
  if call('TYPE', taken).ok == 'list' then call('LPUSH', taken, saved) else call('ZADD', taken, '-inf', saved) end
end

local function takeBack(j, id)
  local isList = call('TYPE', j).ok == 'list'
  for _, member in ipairs(membersOf(j)) do
    if idOf(member) == id then
      if isList then call('LREM', j, 1, member) else call('ZREM', j, member) end
    end
  end
end

local function open(head, members)
  local j, at = head[1] .. '.j', 1
  call('SET', head[1] .. '.s', head[2], 'EX', 86400, 'NX')
  for i = 3, #head, 2 do
    local member = string.sub(members, at, at + head[i + 1] - 1)
    at = at + head[i + 1]
    if head[i] == '' or call('TYPE', j).ok == 'list' then call('RPUSH', j, member) else call('ZADD', j, head[i], member) end
  end
  lengthen(j)
end

for i = 4, #ARGV, 3 do
  local key, kind, text = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if counting[kind] then
    local entry = (i - 4) / 3
    local number = before + entry
    counted = counted or tonumber(call('GET', KEYS[2]) or '-1')
    local head, taken = cjson.decode(key), KEYS[2] .. ':' .. number
    if number > counted then
      counted = number
      call('SET', KEYS[2], number, 'EX', 86400)
      if kind == 'open' then
        open(head, text)
      elseif kind == 'back' then
        takeBack(head[1] .. 'celery-taskset-meta-' .. head[2] .. '.j', head[3])
      elseif kind == 'more' then
        if head[1] ~= '' then
          call('INCR', head[1])
          lengthen(head[1])
        end
      else
        local base = head[1] .. 'celery-taskset-meta-' .. head[2]
        local size = tonumber(call('GET', base .. '.s') or '')
        if size then
          size = size + tonumber(call('GET', base .. '.t') or '0')
          lengthen(base .. '.s')
        end
        if report(base .. '.j', size, head[4], head[5], text) then take(head[1], head[2], taken) end
      end
    end
    local members = kind == 'part' and call('EXISTS', taken) == 1 and membersOf(taken)
    if members then
      lengthen(taken)
      joins[#joins + 1] = { entry, members }
    end
  else
    local stored = pcall('GET', key)
    local state = type(stored) == 'string' and string.match(stored, '^{"status": "(%u+)"')
    if kind == '-' then
      if state == 'FAILURE' then call('DEL', key) end
    elseif state ~= 'SUCCESS' and stored ~= text then
      -- A SUCCESS is never overwritten; what a courier delivered before he died is not told again.
      if kind == '0' then call('SET', key, text) else call('SET', key, text, 'EX', kind) end
      call('PUBLISH', key, text)
    end
  end
end
return #joins > 0 and joins or 1
