-- revive: a dead letter goes back to its queue as a new message: what its failure left behind is taken away in the
-- same step, so that its next end counts. Not where it would count for nothing: then nothing is written.
--
-- KEYS  1 the dead letters · 2 the letter · 3 the list of its queue
-- ARGV  1 the letter's id · 2 who asks · 3 broker's database
--       4 results' database, '' when it is the same, `>` and the outbox when it is on another server
--       5 how many markers · 6 how many results, its task's own first
--       then the markers, the keys of the results, and for each place in a chord: prefix of results, group, body, task id,
--         '1' where the chord stands on the server of the results (as far as anybody knows: a part that comes too late is nobody's)
-- Returns 'sent' (also when the same one asks again, within an hour), 'gone', 'done' (its task has succeeded
-- since), 'joined' (a chord went on without it), 'blocked' (its queue's name holds something else).
local call, pcall = redis.call, redis.pcall
local raw = call('HGET', KEYS[2], 'raw')
if not raw then return call('HGET', KEYS[2], 'revivedBy') == ARGV[2] and 'sent' or 'gone' end
local kind = call('TYPE', KEYS[3]).ok
if kind ~= 'none' and kind ~= 'list' then return 'blocked' end

local outbox = outboxOf(ARGV[4])
local split = ARGV[4] ~= '' and not outbox
local results = 7 + tonumber(ARGV[5])
local places = results + tonumber(ARGV[6])
local function state(key)
  local stored = pcall('GET', key)
  return type(stored) == 'string' and string.match(stored, '^{"status": "(%u+)"')
end
local function chord(p) return ARGV[p] .. 'celery-taskset-meta-' .. ARGV[p + 1] end

if split then call('SELECT', ARGV[4]) end
local refusal = places > results and state(ARGV[results]) == 'SUCCESS' and 'done' or nil
for p = places, #ARGV, 5 do
  if ARGV[p + 4] ~= '1' and call('EXISTS', chord(p) .. '.s') == 0 then refusal = refusal or 'joined' end
end
if split then call('SELECT', ARGV[3]) end
if refusal then return refusal end

-- What frees comes first: so a full Redis lets it through.
call('DEL', KEYS[2])
call('HSET', KEYS[2], 'revivedBy', ARGV[2])
call('EXPIRE', KEYS[2], 3600)
call('ZREM', KEYS[1], ARGV[1])
for k = 7, results - 1 do call('DEL', ARGV[k]) end
call('LPUSH', KEYS[3], raw)

if split then call('SELECT', ARGV[4]) end
for k = results, places - 1 do
  if state(ARGV[k]) == 'FAILURE' then call('DEL', ARGV[k]) end
  if outbox then recall(outbox, ARGV[k]) end
end
-- The failed parts, by task id: their chords wait again.
for p = places, #ARGV, 5 do
  if ARGV[p + 4] == '1' then postBack(outbox, ARGV[p], ARGV[p + 1], ARGV[p + 3]) end
  local j = chord(p) .. '.j'
  pcall('SREM', ARGV[p] .. 'lovage:chord:' .. ARGV[p + 1] .. ':' .. ARGV[p + 2] .. ':seen', ARGV[p + 3])
  local isList = call('TYPE', j).ok == 'list'
  local members = isList and call('LRANGE', j, 0, -1) or pcall('ZRANGE', j, 0, -1)
  for k = 1, #members do
    if string.match(members[k], '^%[1, ?"([^"]*)"') == ARGV[p + 3] then
      if isList then call('LREM', j, 1, members[k]) else call('ZREM', j, members[k]) end
    end
  end
end
if split then call('SELECT', ARGV[3]) end
return 'sent'
