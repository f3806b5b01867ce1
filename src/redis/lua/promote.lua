-- promote: held messages of one queue whose moment has come.
--
-- KEYS  1 eta set · 2 redo list · 3 … 6 the queue's lists by priority step · 7 tasks that wait for their rate
--       8 `unacked` · 9 `unacked_index` · then those that are only looked at
-- ARGV  1 most messages in this call · 2 prefix of the lists of such tasks · then the type of each key
-- Returns { moved, ms until the next is due (-1: none; 0: more are due now), server's time in ms, tasks that wait,
-- indexes of keys that hold something else; 0 for one of a gate's or a rate's }.
-- Who was never started goes to its plain list, where waiters wake at once; else to the redo list. A message of
-- a shared queue (its word is its tag in `unacked`) is there only as long as no Python worker has recovered it.
local call, pcall = redis.call, redis.pcall
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local wrong, stuck, limits, odd = {}, false, true, false
for i, key in ipairs(KEYS) do
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= ARGV[2 + i] then
    wrong[#wrong + 1] = i
    stuck = stuck or i < 3
    if i == 7 then limits = false end
  end
end
-- What is taken out must have somewhere to go. (For a list there is the redo list.)
if stuck then return { 0, -1, ms, {}, wrong } end
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', ms, 'LIMIT', 0, tonumber(ARGV[1]))
if #due > 0 then call('ZREM', KEYS[1], unpack(due)) end
-- The earliest is pushed last: it is popped first.
for i = #due, 1, -1 do
  local word, note, raw = string.match(due[i], '^(%S+) (%d+ %S+ [0-3] [^\n]*)\n(.*)$')
  -- Somebody else has put it there: an error here would lose all that is due.
  if not word then word, note, raw = '', '0 - 0 -', due[i] end
  odd = odd or word == 'gate' or word == 'park'
  local attempts, flag, step = string.match(note, '^(%d+) (%S+) (%d)')
  local done, ours, listed = { err = true }, true, string.sub(word, 1, 3) == 'lv:'
  if listed then
    call('ZREM', KEYS[9], word)
    ours = call('HDEL', KEYS[8], word) == 1
  end
  if ours and (listed or attempts == '0' and flag == '-') then done = pcall('RPUSH', KEYS[3 + tonumber(step)], raw) end
  if ours and type(done) == 'table' then call('RPUSH', KEYS[2], note .. '\n' .. raw) end
end
if odd then wrong[#wrong + 1] = 0 end
local next = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local limited = {}
for _, task in ipairs(limits and call('SMEMBERS', KEYS[7]) or {}) do
  if call('EXISTS', ARGV[2] .. task) == 1 then
    limited[#limited + 1] = task
  else
    call('SREM', KEYS[7], task)
  end
end
return { #due, next[2] and math.max(0, math.ceil(tonumber(next[2]) - ms)) or -1, ms, limited, wrong }
