-- outbox: the part of a script that writes results which belong to another server. Here lies their state, which fences
-- ask for, under `<outbox>:of:<key there>`; the result itself goes into a list from which it is carried (redis/courier.ts).
-- So does the part of a chord that nobody opened here: it stands there, since Python takes part in it.

-- The list; nothing when results lie on this server.
local function outboxOf(word) return string.sub(word, 1, 1) == '>' and string.sub(word, 2) end

local function addressed(outbox, key, seconds)
  local there = string.sub(key, #outbox + 5)
  return seconds .. ' ' .. #there .. ' ' .. there
end

local function post(outbox, key, text, seconds)
  local state = string.match(text, '^{"status": "%u+"') or ''
  redis.call('SET', key, state, 'EX', seconds == '0' and 86400 or seconds)
  redis.call('RPUSH', outbox, addressed(outbox, key, seconds) .. text)
end

-- A FAILURE that is there is to be forgotten.
local function recall(outbox, key) redis.call('RPUSH', outbox, addressed(outbox, key, '-')) end

-- `<kind> <bytes of the head> <head><texts>`: the head is a JSON list, the texts are as they came (redis/outbox-entry.ts).
local function postWords(outbox, kind, head, texts)
  local words = cjson.encode(head)
  redis.call('RPUSH', outbox, kind .. ' ' .. #words .. ' ' .. words .. table.concat(texts))
end

-- Its message goes along, as the redo list has it: should this be the last part, it comes back, and its worker sends the body.
local function postPart(outbox, place, queue, member, message)
  place[#place + 1] = queue
  place[#place + 1] = #member
  postWords(outbox, 'part', place, { member, message })
end

-- A part that was told there is taken back.
local function postBack(outbox, prefix, group, id) postWords(outbox, 'back', { prefix, group, id }, {}) end

-- A chord that stands here moves there, since Python takes part in it from now on: its size, and what is in. Returns whether
-- it stood here.
local function moveChord(outbox, key, body)
  local call = redis.call
  local size = call('GET', key)
  if not size then return false end
  local base = string.sub(key, 1, -3)
  local prefix, group = string.match(base, '^(.-)celery%-taskset%-meta%-(.*)$')
  local isList = call('TYPE', base .. '.j').ok == 'list'
  local all = isList and call('LRANGE', base .. '.j', 0, -1) or call('ZRANGE', base .. '.j', 0, -1, 'WITHSCORES')
  local stride, from = isList and 1 or 2, 1
  size = string.format('%.0f', size + (call('GET', base .. '.t') or 0))
  repeat
    local head, texts, to = { base, size }, {}, math.min(from + 1000 * stride - 1, #all)
    for i = from, to, stride do
      head[#head + 1] = isList and '' or all[i + 1]
      head[#head + 1] = #all[i]
      texts[#texts + 1] = all[i]
    end
    postWords(outbox, 'open', head, texts)
    from = to + 1
  until from > #all
  call('DEL', key, base .. '.j', base .. '.t')
  call('EXPIRE', prefix .. 'lovage:chord:' .. group .. ':' .. body .. ':seen', 86400)
  -- It is not opened here any more, and not over for that.
  local notes = prefix .. 'lovage:errands:' .. group .. ':' .. body
  local known = call('HGETALL', notes)
  for i = 1, #known, 2 do
    if string.sub(known[i + 1], 1, 2) == '1 ' and string.sub(known[i], 1, 1) ~= '#' then
      call('HSET', notes, known[i], '0' .. string.sub(known[i + 1], 2))
    end
  end
  return true
end

-- What is added to a chord there (or, without a key, follows one that moves) is sent when that is known: lists and their
-- redo lists, and a text for each.
local function postGrowth(outbox, key, lists, texts)
  local head = { key }
  for i, text in ipairs(texts) do
    head[#head + 1] = lists[i][1]
    head[#head + 1] = lists[i][2]
    head[#head + 1] = #text
  end
  postWords(outbox, 'more', head, texts)
end

