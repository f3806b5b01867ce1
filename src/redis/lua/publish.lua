-- publish: messages into queues, once for each number. Nothing is written before the first SET, so that a
-- full server refuses the call whole.
--
-- KEYS  1 the sender's last number · 2 … lists, eta sets and channels
-- ARGV  1 number · 2 broker's database · 3 results' database, '' when it is the same
--       then for each key: count and texts (a list), -count and pairs of due ms and text (an eta set), or
--         'all<count>' and texts (a channel)
--       then number of chords and errands, for each: .s key, size; or what errand.lua is told
--       then number of pages, for each: key of its graph, number, text
--       then for each staged list that is released: its key, how many messages lie in it
-- Returns 1 (done), 0 (was done before, and confirmed to this connection by a write: a WAIT that follows
-- covers the messages, whoever brought them), { KEYS index, … }: these are no lists; or -1: what
-- was staged is gone. In these two nothing was written.
local call = redis.call
local last = tonumber(call('GET', KEYS[1]) or '-1')
if last >= tonumber(ARGV[1]) then
  call('EXPIRE', KEYS[1], 86400)
  return 0
end

local at = 4
local pushes, channels, wrong = {}, {}, {}
for k = 2, #KEYS do
  local all = string.match(ARGV[at], '^all(%d+)$')
  local count = tonumber(all or ARGV[at])
  channels[k] = all
  local kind = all and 'none' or call('TYPE', KEYS[k]).ok
  if kind ~= 'none' and kind ~= (count < 0 and 'zset' or 'list') then wrong[#wrong + 1] = k end
  pushes[k] = at + 1
  at = at + 1 + (count < 0 and -2 * count or count)
end
if #wrong > 0 then return wrong end
local pages = at + 2 * tonumber(ARGV[at]) + 1
local releases = pages + 3 * tonumber(ARGV[pages]) + 1
for i = releases, #ARGV, 2 do
  if call('LLEN', ARGV[i]) ~= tonumber(ARGV[i + 1]) then return -1 end
end

call('SET', KEYS[1], ARGV[1], 'EX', 86400)
-- Chords are opened, and pages are there, before the messages can be seen by anybody.
local chords = tonumber(ARGV[at])
if chords > 0 then
  if ARGV[3] ~= '' then call('SELECT', ARGV[3]) end
  for i = at + 1, at + 2 * chords, 2 do openOrNote(ARGV[i], ARGV[i + 1]) end
  if ARGV[3] ~= '' then call('SELECT', ARGV[2]) end
end
for i = pages + 1, releases - 1, 3 do call('HSET', ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
for i = releases, #ARGV, 2 do call('PERSIST', ARGV[i]) end
for k = 2, #KEYS do
  local from = pushes[k]
  local count = tonumber(channels[k] or ARGV[from - 1])
  local command = count < 0 and 'ZADD' or 'LPUSH'
  local to = from + (count < 0 and -2 * count or count) - 1
  if channels[k] then
    for i = from, to do call('PUBLISH', KEYS[k], ARGV[i]) end
  else
    for first = from, to, 4000 do call(command, KEYS[k], unpack(ARGV, first, math.min(first + 3999, to))) end
  end
end
return 1
