-- outbox: the part of a script that writes results which belong to another server. Here lies their state, which fences
-- ask for, under `<outbox>:of:<key there>`; the result itself goes into a list from which it is carried (redis/courier.ts).

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

