-- look: errands whose turn it is: which of them have ended while their chord has no part of them?
--
-- ARGV  1 prefix of the keys of results · 2 broker's database · 3 results' database, '' when it is the same
--       4 most errands in this call · 5 ms that whoever ended one has to tell it
--       6 '1' where results lie on another server: what is stored is read there, so all are returned that their chord has no part of
-- Returns { 1 when there is more to do, { group, body, id, part, index or '', text, stored result }, … }. With results on
-- another server there stands, instead of the result, '' of a chord that was opened here; of one that stands over there, for how
-- long its end is known (-1: it is not; -2: its part went there) and how long ago it was sent, ms.
-- One that is returned has its next turn after a while: whoever got it may die before it is told.
local call, pcall, prefix = redis.call, redis.pcall, ARGV[1]
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
if ARGV[3] ~= '' then call('SELECT', ARGV[3]) end
local all = prefix .. 'lovage:errands'
local due = call('ZRANGEBYSCORE', all, '-inf', ms, 'LIMIT', 0, ARGV[4])
if #due > 0 then call('ZREM', all, '') end -- lets the later writes pass on a full server
local far = ARGV[6] == '1'
local silent = { #due == tonumber(ARGV[4]) and 1 or 0 }

-- REVOKED without a list of children is hearsay: somebody revoked it, and it may be running.
local function isOver(key)
  local start = pcall('GETRANGE', key, 0, 31)
  if type(start) ~= 'string' then return false end
  if string.find(start, '^{"status": "FAILURE"') then return true end
  return string.find(start, '^{"status": "REVOKED"') and
    not string.find(call('GET', key), '"children": null', 1, true)
end

local function hasPart(group, body, part, index)
  if call('SISMEMBER', prefix .. 'lovage:chord:' .. group .. ':' .. body .. ':seen', part) == 1 then return true end
  local j, members = prefix .. 'celery-taskset-meta-' .. group .. '.j', nil
  local kind = call('TYPE', j).ok
  if kind == 'list' then members = call('LRANGE', j, 0, -1)
  elseif kind == 'zset' then members = call('ZRANGEBYSCORE', j, index, index)
  else return false end
  for _, member in ipairs(members) do
    if string.match(member, '^%[1, ?"([^"]*)"') == part then return true end
  end
  return false
end

-- A chord that Python joins leaves our memory of its parts behind: from Python's first part on it has an end.
local function endMemory(group, body)
  local memory = prefix .. 'lovage:chord:' .. group .. ':' .. body
  if call('TTL', memory .. ':seen') == -1 and call('EXISTS', memory .. ':taken') == 0 then
    call('EXPIRE', memory .. ':seen', 86400)
  end
end

for _, name in ipairs(due) do
  local group, body, id = string.match(name, '^([^\n]*)\n([^\n]*)\n(.*)$')
  local key = all .. ':' .. tostring(group) .. ':' .. tostring(body)
  local value = id and call('HGET', key, id)
  if not value then
    call('ZREM', all, name)
  else
    local opened, since, note = string.match(value, '^(%d) (%d+) (.*)$')
    local _, _, part, index, sent, text = unpack(cjson.decode(note))
    if index == '' then index = '+inf' end
    local life = call('TTL', prefix .. 'celery-taskset-meta-' .. group .. '.s')
    local lives = life ~= -2
    local has = hasPart(group, body, part, index)
    if not lives and (opened == '1' or (not far and ms - sent > 60000)) then
      endMemory(group, body)
      call('ZREM', all, name)
      call('DEL', key)
    elseif has and (lives or not far) and (life ~= -1 or call('HGET', key, '#') ~= '1') then
      endMemory(group, body)
      call('ZREM', all, name)
      call('HDEL', key, id)
      if call('HINCRBY', key, '#', -1) < 1 then call('DEL', key) end
    else
      local wait = math.min(math.max((ms - sent) / 10, 1000), far and 5000 or 30000)
      local stored = prefix .. 'celery-task-meta-' .. id
      if lives then opened = '1' end
      if far then
        local known = opened == '1' and '' or (has and -2 or since == '0' and -1 or ms - since) .. ' ' .. ms - sent
        if not has or opened ~= '1' then silent[#silent + 1] = { group, body, id, part, tostring(index), call('HGET', key, text), known } end
      elseif has or not lives or not isOver(stored) then
        -- (A chord that nobody has opened yet may never be: what stands behind a failure ends without having begun.)
        since = '0'
      elseif since == '0' then
        since, wait = ms, tonumber(ARGV[5])
      elseif ms - since >= tonumber(ARGV[5]) then
        wait = 5000
        silent[#silent + 1] = { group, body, id, part, tostring(index), call('HGET', key, text), call('GET', stored) }
      end
      call('HSET', key, id, opened .. ' ' .. since .. ' ' .. note)
      call('ZADD', all, ms + wait, name)
      call('EXPIRE', key, 86400)
      call('EXPIRE', all, 86400)
    end
  end
end
if ARGV[3] ~= '' then call('SELECT', ARGV[2]) end
return silent
