-- outbox: the part of a script that writes results which belong to another server. Here lies their state, which fences
-- ask for, under `<outbox>:of:<key there>`; the result itself goes into a list from which it is carried (redis/courier.ts).
-- So does the part of a chord that nobody opened here: it is Python's, and stands there.

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

-- What is added to a chord there is sent when it has been counted: lists and their redo lists, and a text for each.
local function postGrowth(outbox, key, lists, texts)
  local head = { key }
  for i, text in ipairs(texts) do
    head[#head + 1] = lists[i][1]
    head[#head + 1] = lists[i][2]
    head[#head + 1] = #text
  end
  postWords(outbox, 'more', head, texts)
end

