-- errand: notes a task that was sent to workers which are not ours (loaded before what publishes; redis/errands.ts).
-- `key` is the hash of its chord's notes; `value` its id and a note, with a line end between them. An id that begins
-- with '#' is no task: a text that notes refer to. '#' alone counts the notes. The results' database is selected.
local function noteErrand(key, value)
  local call = redis.call
  local cut = string.find(value, '\n', 1, true)
  -- Where no worker of ours ever looks, nobody else would take them away.
  local day = 86400
  local id, note = string.sub(value, 1, cut - 1), string.sub(value, cut + 1)
  if string.sub(id, 1, 1) == '#' then
    call('HSET', key, id, note)
    return call('EXPIRE', key, day)
  end
  local prefix = string.match(key, '^(.-)lovage:errands:')
  local group, body = unpack(cjson.decode(note))
  -- Who opens a chord does so before. Python's clients send its header first: then it need not be there yet.
  local opened = call('EXISTS', prefix .. 'celery-taskset-meta-' .. group .. '.s')
  if call('HSET', key, id, opened .. ' 0 ' .. note) == 1 then call('HINCRBY', key, '#', 1) end
  local now = call('TIME')
  local ms = now[1] * 1000 + math.floor(now[2] / 1000)
  call('ZADD', prefix .. 'lovage:errands', ms + 1000, group .. '\n' .. body .. '\n' .. id)
  call('EXPIRE', prefix .. 'lovage:errands', day)
end
