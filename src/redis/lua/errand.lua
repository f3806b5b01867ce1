-- errand: opens a chord, or notes tasks of one that were sent to workers which are not ours (loaded before what
-- publishes; redis/errands.ts). The results' database is selected.
--
-- Opening: `key` is .s, `value` the size. Notes: `key` is the hash of the chord's notes, `value` a JSON list of the group,
-- the body, and pairs of an id and a note. An id that begins with '#' is no task: its text is what notes refer to. '#' alone
-- counts the notes.
local function openOrNote(key, value)
  local call = redis.call
  if string.sub(value, 1, 1) ~= '[' then return call('SET', key, value, 'NX') end
  local prefix = string.match(key, '^(.-)lovage:errands:')
  local all = prefix .. 'lovage:errands'
  local words = cjson.decode(value)
  -- Who opens a chord does so before. Python's clients send its header first: then it need not be there yet.
  local opened = call('EXISTS', prefix .. 'celery-taskset-meta-' .. words[1] .. '.s')
  local now, chord, fresh = call('TIME'), words[1] .. '\n' .. words[2] .. '\n', 0
  local due = now[1] * 1000 + math.floor(now[2] / 1000) + 1000
  for i = 3, #words, 2 do
    local id, note = words[i], words[i + 1]
    if string.sub(id, 1, 1) == '#' then
      call('HSET', key, id, note)
    else
      fresh = fresh + call('HSET', key, id, opened .. ' 0 ' .. note)
      call('ZADD', all, due, chord .. id)
    end
  end
  call('HINCRBY', key, '#', fresh)
  -- Where no worker of ours ever looks, nobody else would take them away.
  call('EXPIRE', key, 86400)
  call('EXPIRE', all, 86400)
end
