-- fire: ticks of periodic entries, each at most once: the state (or the marker) is compared and set, and the
-- messages are pushed, or neither. Each firing stands for itself; nothing of a refused one is written.
--
-- KEYS  all that is written, named below by their index
-- ARGV  1 broker's database · 2 results' database, '' when it is the same · 3 lines of history kept
--       then for each firing:
--         tick in ms, or '' for "now"
--         's', states key, entry, expected revision, new text, history key, line of it or ''
--           or 'm', marker key, its text `<tick> <by>`, seconds that it lives
--         number of pushes, for each: key, due ms or '' or 'all' (the key is a channel), text
--         number of chords and errands, for each: .s key, size; or what errand.lua is told
--         number of pages, for each: key of its graph, number, text
--         number of staged lists that are released, for each: its key, how many messages lie in it
-- Returns for each firing: 1 (fired), 0 (refused), 3 (what was staged is gone), -1 (not due by this server’s
-- clock), or -1 - the index of a key that holds something else. A call that is sent again finds its own text, and
-- answers 1.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = 4
local function take()
  at = at + 1
  return ARGV[at - 1]
end
-- Passes over a list: where it begins, and how many it has, of so many words each.
local function list(width)
  local count = tonumber(take())
  local first = at
  at = at + width * count
  return first, count
end
local function isOf(place, kind)
  local found = call('TYPE', KEYS[place]).ok
  return found == 'none' or found == kind
end

local replies = {}
while at <= #ARGV do
  local tick, mode, place = take(), take(), tonumber(take())
  local key = KEYS[place]
  local entry, expected, text, past, line, seconds
  if mode == 's' then
    entry, expected, text, past, line = take(), take(), take(), tonumber(take()), take()
  else
    text, seconds = take(), take()
  end
  local reply = 1
  -- Half a millisecond of doubt between two clocks is no reason to wait once more.
  if tick ~= '' and tonumber(tick) > now + 1 then reply = -1 end
  -- A key of another kind is trouble before anything is written: nothing here is undone.
  if not isOf(place, mode == 's' and 'hash' or 'string') then reply = -1 - place
  elseif past and not isOf(past, 'list') then reply = -1 - past
  elseif mode == 's' then
    local stored = call('HGET', key, entry)
    if stored == text then reply = 2
    elseif not stored or string.match(stored, '^%d+') ~= expected then reply = 0 end
  else
    local stored = call('GET', key)
    if stored == text then reply = 2
    elseif stored and (tick == '' or tonumber(string.match(stored, '^%d+')) >= tonumber(tick)) then reply = 0 end
  end
  local pushes, count = list(3)
  local chords, openings = list(2)
  local pages, kept = list(3)
  local releases, released = list(2)
  if reply == 1 then
    for i = pushes, pushes + 3 * count - 1, 3 do
      local target = tonumber(ARGV[i])
      if ARGV[i + 1] ~= 'all' and not isOf(target, ARGV[i + 1] == '' and 'list' or 'zset') then reply = -1 - target end
    end
    for i = releases, releases + 2 * released - 1, 2 do
      if call('LLEN', ARGV[i]) ~= tonumber(ARGV[i + 1]) then reply = 3 end
    end
  end
  if reply == 1 then
    if mode == 's' then
      call('HSET', key, entry, text)
      if line ~= '' then
        call('LPUSH', KEYS[past], line)
        call('LTRIM', KEYS[past], 0, ARGV[3] - 1)
      end
    else
      call('SET', key, text, 'EX', seconds)
    end
    -- Chords are opened, and pages are there, before the messages can be seen by anybody.
    if openings > 0 then
      if ARGV[2] ~= '' then call('SELECT', ARGV[2]) end
      for i = chords, chords + 2 * openings - 1, 2 do openOrNote(ARGV[i], ARGV[i + 1]) end
      if ARGV[2] ~= '' then call('SELECT', ARGV[1]) end
    end
    for i = pages, pages + 3 * kept - 1, 3 do call('HSET', ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
    for i = releases, releases + 2 * released - 1, 2 do call('PERSIST', ARGV[i]) end
    for i = pushes, pushes + 3 * count - 1, 3 do
      local target = KEYS[tonumber(ARGV[i])]
      if ARGV[i + 1] == '' then call('LPUSH', target, ARGV[i + 2])
      elseif ARGV[i + 1] == 'all' then call('PUBLISH', target, ARGV[i + 2])
      else call('ZADD', target, ARGV[i + 1], ARGV[i + 2]) end
    end
  end
  -- A call that is sent again finds its own text: it was fired, by us.
  replies[#replies + 1] = reply == 2 and 1 or reply
end
return replies
