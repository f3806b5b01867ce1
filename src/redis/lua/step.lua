-- step: completes and claims, in one transition. The hot script: nothing is decoded, nothing re-encoded.
--
-- KEYS  1            the consumer's hash
--       2 … 1+Q      redo lists of the Q queues, in this call's order
--       2+Q … 1+5Q   their lists: for each priority step, for each queue (none of them where ARGV 4 is '2')
--       …            what the endings and pushes below name by index
--       the last two `unacked`, `unacked_index`, where a queue is shared with Python workers
-- ARGV  1 lane field · 2 request number · 3 slots · 5 Q
--       4 '1': look at the redo lists first, '0': at last, '2': at nothing else
--       6 plain completions · 7 other completions · 8 seconds that plain results live
--       9 broker's database · 10 results' database, '' when it is the same, `>` and the outbox when it is on another server
--       11 '', or JSON where a queue is shared: { tags: what stands before our tags in `unacked`, keys: for each
--         registered queue its routing key as JSON, '' for our own }
--       12 '', or the prefix of all our keys where gates are kept · 13 consumer, for them
--       14 … 13+Q    index of each queue among those registered
--       then each plain completion: field, result key, text of its SUCCESS
--       then each other completion: field, ending, marker ('' without), one word of counts (parts, results, pushes, chords,
--         joined, pages, frees, releases, and 1 when the first result is the task's own); what the ending needs (see there);
--         results (key, text, seconds), pushes (KEYS index, due ms or '' or 'all' where it is a channel, text; the redo list
--         of a list or an eta set is the key behind it), chords (.s, size; .t, '+1': one part more; .s, `>` and the body: it
--         moves to the server of the results; .s, `>>` and size: it opens there; or what errand.lua is told), parts (prefix of
--         results, group, body, index, task id, member), joined (taken, seen), pages (key, number, text), frees (key, number), releases (key of a staged list)
-- Returns 'lost' (the hash is gone), 'stale' (a later request of this lane was answered), or
--       { head, raw, … }: head is '' when all is as usual (field i is request + i of the first registered
--       queue's plain list, nothing refused), else { fields, refused, { { completion, group, body,
--       members }, … } }; completions are counted from 0, the plain ones first.
--
-- Whether this is a first sending is told by the first HDEL: a field is taken away once and its name never
-- comes back. Only when it was not there is the lane's last number read.
--
-- What concerns queues that Python workers consume as well stands in shared.lua, which is loaded before this.
local call, pcall = redis.call, redis.pcall
local hash, lane, request, slots = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local queues, plain, others = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local brokerDb, resultsDb = ARGV[9], ARGV[10]
local outbox = resultsDb ~= '' and outboxOf(resultsDb)
local split = resultsDb ~= '' and not outbox
local shared = ARGV[11] ~= '' and sharing(cjson.decode(ARGV[11]))
local gates = ARGV[12] ~= '' and gating(ARGV[12])
local at = 14 + queues
local refused, joins

local firstRaw = false
if plain == 0 and others > 0 and (gates or ARGV[at + 1] ~= 'ack' or string.sub(ARGV[at + 3], 1, 2) ~= '0 ') then
  firstRaw = call('HGET', hash, ARGV[at])
end
local first = plain + others > 0 and call('HDEL', hash, ARGV[at]) or 0
if first == 0 then
  local last = call('HGET', hash, lane)
  if not last then return 'lost' end
  local number, note = string.match(last, '^(%d+) %d+ ?(.*)$')
  number = tonumber(number)
  if number > request then return 'stale' end
  if number == request then
    -- The same request again: what was claimed for it, refused, joined.
    local fields, numbers, found = {}, {}, {}
    local all = call('HGETALL', hash)
    for i = 1, #all, 2 do
      local n = tonumber(string.match(all[i], '^%d+'))
      if n and n >= request and n < request + slots then
        numbers[#numbers + 1] = n
        found[n] = i
      end
    end
    table.sort(numbers)
    local reply = { '' }
    for i = 1, #numbers do
      fields[i] = all[found[numbers[i]]]
      reply[i + 1] = all[found[numbers[i]] + 1]
    end
    local past, owed = note == '' and { {}, {} } or cjson.decode(note), {}
    if split then call('SELECT', resultsDb) end
    for _, join in ipairs(past[2]) do
      local zset = call('TYPE', join[4]).ok ~= 'list'
      local members = zset and call('ZRANGE', join[4], 0, -1) or call('LRANGE', join[4], 0, -1)
      -- (None: the body went out meanwhile. The message is still held for it.)
      owed[#owed + 1] = { join[1], join[2], join[3], members }
    end
    if split then call('SELECT', brokerDb) end
    reply[1] = { fields, past[1], owed }
    return reply
  end
end

for i = 1, plain do
  local key, text = ARGV[at + 1], ARGV[at + 2]
  local held = first
  if i > 1 then held = call('HDEL', hash, ARGV[at]) end
  if held == 1 then
    if split then call('SELECT', resultsDb) end
    if call('SET', key, text, 'EX', ARGV[8], 'NX') then
      call('PUBLISH', key, text)
    else
      -- A stored SUCCESS is never overwritten. Only the fixed start is compared: user data stands behind it.
      local stored = pcall('GET', key)
      if type(stored) == 'string' and string.sub(stored, 1, 20) == '{"status": "SUCCESS"' then
        held = 0
      else
        call('SET', key, text, 'EX', ARGV[8])
        call('PUBLISH', key, text)
      end
    end
    if split then call('SELECT', brokerDb) end
  end
  if held == 0 then
    refused = refused or {}
    refused[#refused + 1] = i - 1
  end
  at = at + 3
end

if others > 0 then
  local pushed = {} -- KEYS index → texts
  local joined = {} -- for the replay

  local function settled(key)
    local stored = pcall('GET', key)
    return type(stored) == 'string' and string.sub(stored, 1, 20) == '{"status": "SUCCESS"'
  end

  local function members(taken)
    if call('TYPE', taken).ok == 'list' then return call('LRANGE', taken, 0, -1) end
    return call('ZRANGE', taken, 0, -1)
  end

  local function write(key, text, seconds)
    if outbox then
      if settled(key) then return false end
      post(outbox, key, text, seconds)
      return true
    end
    local done
    if seconds == '0' then
      done = call('SET', key, text, 'NX')
    else
      done = call('SET', key, text, 'EX', seconds, 'NX')
    end
    if not done then
      if settled(key) then return false end
      if seconds == '0' then call('SET', key, text) else call('SET', key, text, 'EX', seconds) end
    end
    call('PUBLISH', key, text)
    return true
  end

  -- The chord that a part belongs to. Nobody else writes there while this script runs, so what does not change with
  -- a part is read for the first one and kept. (Names are made here: they would be half of a part's bytes.)
  local boards = {}
  local function boardOf(p)
    local ours = ARGV[p] .. 'lovage:chord:' .. ARGV[p + 1] .. ':' .. ARGV[p + 2] .. ':'
    local board = boards[ours]
    if not board then
      local group = ARGV[p] .. 'celery-taskset-meta-' .. ARGV[p + 1]
      board = { group = group, j = group .. '.j', seen = ours .. 'seen', taken = ours .. 'taken' }
      boards[ours] = board
    end
    return board
  end

  local function read(board)
    local j, s, t = board.j, board.group .. '.s', board.group .. '.t'
    board.kind = call('TYPE', j).ok
    if board.kind == 'list' then
      board.count = call('LLEN', j)
    else
      if board.kind ~= 'zset' and board.kind ~= 'none' then call('DEL', j) end
      board.count = call('ZCARD', j)
    end
    -- Our own openings carry no TTL while the chord lives; what Python opened, or has yet to open, does.
    board.life = call('TTL', s)
    board.size = math.huge
    if board.life ~= -2 then
      board.size = (tonumber(call('GET', s)) or math.huge) + (tonumber(call('GET', t) or '0') or 0)
    end
  end

  -- A chord that nobody opened here is Python's, and stands where the results are: its part goes there.
  local function sentOn(board, p, field, message)
    if not board.kind then read(board) end
    if board.life ~= -2 then return false end
    call('EXPIRE', board.seen, 86400)
    local list, marks = string.match(field, '^%d+:?(%d*)(%a*)$')
    list = tonumber(list) or 0
    local known = call('HMGET', hash, 'queues', 'host')
    local queue, note = cjson.decode(known[1])[math.floor(list / 4) + 1], '0 m ' .. list % 4 .. ' ' .. known[2]
    local raw = string.find(marks, 'r', 1, true) and string.match(message, '^[^\n]*\n(.*)$') or message
    postPart(outbox, { unpack(ARGV, p, p + 4) }, queue, ARGV[p + 5], note .. '\n' .. raw)
    return true
  end

  -- Counts one part; the last one takes the keys away and returns all members.
  local function report(board, p)
    if not board.kind then read(board) end
    local j, seen, taken, kind = board.j, board.seen, board.taken, board.kind
    if kind == 'list' then
      board.count = call('RPUSH', j, ARGV[p + 5])
    else
      board.count = board.count + call('ZADD', j, ARGV[p + 3], ARGV[p + 5])
    end
    if board.life ~= -1 then
      call('EXPIRE', j, 86400)
      call('EXPIRE', seen, 86400)
    end
    local count, size = board.count, board.size
    if count < size then return false end
    boards = {}
    -- A Python redelivery with other bytes counts twice in `.j`: what came first stays. Our own parts cannot.
    local kept = members(j)
    if call('SCARD', seen) < count then
      local known, all = {}, kept
      kept = {}
      for _, member in ipairs(all) do
        local id = string.match(member, '^%[1, ?"([^"]*)"') or member
        if not known[id] then
          known[id] = true
          kept[#kept + 1] = member
        elseif kind == 'list' then
          call('LREM', j, -1, member)
        else
          call('ZREM', j, member)
        end
      end
    end
    if #kept < size then return false end
    call('RENAME', j, taken)
    call('PERSIST', taken)
    call('PERSIST', seen)
    call('DEL', board.group .. '.t', board.group .. '.s')
    -- A Python client keeps the nesting of a header with groups in it under the group's own key: it goes first.
    local saved = pcall('GET', board.group)
    if type(saved) == 'string' then
      if kind == 'list' then call('LPUSH', taken, saved) else call('ZADD', taken, '-inf', saved) end
      table.insert(kept, 1, saved)
    end
    return kept
  end

  -- Completions are much alike: each sort of them is read once.
  local known = {}
  local function countsOf(word)
    local counts = known[word]
    if not counts then
      counts = {}
      for number in string.gmatch(word, '%d+') do counts[#counts + 1] = tonumber(number) end
      known[word] = counts
    end
    return counts
  end

  for i = 0, others - 1 do
    local field, ending, marker = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local counts = countsOf(ARGV[at + 3])
    local parts, results, pushes, chords, acts = counts[1], counts[2], counts[3], counts[4], counts[5]
    local pages, frees, releases, own = counts[6], counts[7], counts[8], counts[9] == 1
    local e = at + 4 -- the ending's own arguments
    local r = e + (ending == 'ack' and 0 or ending == 'requeue' and 1 or ending == 'back' and 2 or ending == 'park' and 3 or
      ending == 'put' and 3 or ending == 'defer' and 4 or 9)
    local p = r + 3 * results
    local c = p + 3 * pushes
    local m = c + 2 * chords
    local t = m + 6 * parts
    local g = t + 2 * acts
    local f = g + 3 * pages
    local h = f + 2 * frees
    at = h + releases

    local raw, held = firstRaw, first == 1
    if i > 0 or plain > 0 then
      raw = (gates or ending ~= 'ack' or parts > 0) and call('HGET', hash, field)
      held = call('HDEL', hash, field) == 1
    end
    if held and shared and shared.lists(field) then held = shared.take(field, ending, ARGV[e + 1]) end
    local fresh, gate, ungated = held, nil, raw
    if gates and held and string.find(field, 'g', 1, true) then
      gate, ungated = string.match(raw, '^([^\n]*)\n(.*)$')
    end

    -- The fences, before anything else is written: bodies already published, the marker, the parts' memory.
    if fresh and split then call('SELECT', resultsDb) end
    if fresh and acts > 0 then
      for k = t, g - 1, 2 do fresh = fresh and call('EXISTS', ARGV[k]) == 1 end
      for k = t, g - 1, 2 do
        if fresh then
          call('DEL', ARGV[k])
          call('EXPIRE', ARGV[k + 1], 3600)
        end
      end
    end
    if fresh and marker ~= '' then
      if split then call('SELECT', brokerDb) end
      if not call('SET', marker, '1', 'EX', 3600, 'NX') then fresh = false end
      if split then call('SELECT', resultsDb) end
    end
    local counted, any = {}, false
    if fresh and parts > 0 then
      for k = 0, parts - 1 do
        counted[k] = call('SADD', boardOf(m + 6 * k).seen, ARGV[m + 6 * k + 4]) == 1
        any = any or counted[k]
      end
      if not any and marker == '' then fresh = false end
    end

    if fresh then
      for k = 0, results - 1 do
        local done = write(ARGV[r + 3 * k], ARGV[r + 3 * k + 1], ARGV[r + 3 * k + 2])
        -- Stored by whom? If a part of its chord was missing, by a Python peer that died before it reported.
        if not done and k == 0 and own and not any then
          fresh = false
          break
        end
      end
    end
    local keep, grown, after = false, nil, false
    if fresh then
      for k = 0, chords - 1 do
        local key, size = ARGV[c + 2 * k], ARGV[c + 2 * k + 1]
        if size == '+1' and outbox and call('EXISTS', string.sub(key, 1, -2) .. 's') == 0 then
          grown = grown or {}
          grown[#grown + 1] = key
          after = true
        elseif size == '+1' then
          call('INCR', key)
          -- Python's chords have an end even if nobody ends them, and so must what is added to one.
          if call('TTL', string.sub(key, 1, -2) .. 's') ~= -1 then call('EXPIRE', key, 86400) end
        elseif string.sub(size, 1, 2) == '>>' then
          postWords(outbox, 'open', { string.sub(key, 1, -3), string.sub(size, 3) }, {})
          after = true
        elseif string.sub(size, 1, 1) == '>' then
          after = moveChord(outbox, key, string.sub(size, 2)) or after
        else
          openOrNote(key, size)
        end
      end
      if after then
        -- A chord that stands where the results are: what concerns it goes out when it is known there, and before our own part.
        local lists, texts = {}, {}
        for k = p, c - 1, 3 do
          if ARGV[k + 1] == '' then
            local target = tonumber(ARGV[k])
            lists[#lists + 1] = { KEYS[target], KEYS[target + 1] }
            texts[#texts + 1] = ARGV[k + 2]
          end
        end
        local last = grown and table.remove(grown) or ''
        for _, key in ipairs(grown or {}) do postGrowth(outbox, key, {}, {}) end
        postGrowth(outbox, last, lists, texts)
      end
      if chords > 0 then boards = {} end
      for k = 0, parts - 1 do
        local b = m + 6 * k
        local board = boardOf(b)
        local all = counted[k] and not (outbox and sentOn(board, b, field, ungated)) and report(board, b)
        if all then
          keep = true
          joins = joins or {}
          joins[#joins + 1] = { plain + i, ARGV[b + 1], ARGV[b + 2], all }
          joined[#joined + 1] = { plain + i, ARGV[b + 1], ARGV[b + 2], board.taken }
        end
      end
    end
    if held and split then call('SELECT', brokerDb) end

    if fresh then
      for k = g, f - 1, 3 do call('HSET', ARGV[k], ARGV[k + 1], ARGV[k + 2]) end
      for k = f, h - 1, 2 do call('HDEL', ARGV[k], ARGV[k + 1]) end
      for k = h, at - 1 do call('PERSIST', ARGV[k]) end
      for k = 0, pushes - 1 do
        local target, due, text = tonumber(ARGV[p + 3 * k]), ARGV[p + 3 * k + 1], ARGV[p + 3 * k + 2]
        if due == 'all' then
          call('PUBLISH', KEYS[target], text)
        elseif due ~= '' then
          local done = pcall('ZADD', KEYS[target], due, text)
          -- (Whoever claims it sees that it is early, and asks again.)
          if type(done) == 'table' then call('LPUSH', KEYS[target + 1], string.match(text, '^%S+ (.*)$')) end
        elseif not after then
          local texts = pushed[target]
          if not texts then
            texts = {}
            pushed[target] = texts
          end
          texts[#texts + 1] = text
        end
      end
      if keep then
        -- Held until its second act; `j` tells the reaper that its run is over.
        call('HSET', hash, field .. 'j', raw)
      elseif ending ~= 'ack' then
        -- The envelope, and what is known about its deliveries: that of a first one comes as the last argument, and
        -- what the worker has counted.
        local inner, note = ungated, ARGV[r - 1]
        if string.find(field, 'r', 1, true) then
          local cut = string.find(ungated, '\n', 1, true)
          local starts, flag, step, known = string.match(string.sub(ungated, 1, cut - 1), '^(%d+) (%S+) (%d) (.*)$')
          local counted, worker = string.match(note, '^(%d+) %S+ %d (.*)$')
          if counted and tonumber(counted) > tonumber(starts) then
            starts, flag, known = counted, '-' .. string.sub(flag, 2), worker
          end
          -- It had waited before anybody took it, in a line or for its rate: now somebody did.
          if known == '-' then known = worker or '-' end
          note, inner = starts .. ' ' .. flag .. ' ' .. step .. ' ' .. known, string.sub(ungated, cut + 1)
        end
        -- Over, with only its bodies not out yet: whoever gets it must ask first. Or acknowledged early.
        if string.find(field, 'j', 1, true) then
          note = string.gsub(note, '^(%d+) %S+', '%1 m')
        elseif string.find(field, 'e', 1, true) then
          note = string.gsub(note, '^(%d+) %S+', '%1 e')
        end
        if ending == 'requeue' then -- KEYS index of the list
          local done = pcall('LPUSH', KEYS[tonumber(ARGV[e])], inner)
          if type(done) == 'table' then call('LPUSH', KEYS[tonumber(ARGV[e]) + 1], '0 - 0 -\n' .. inner) end
        elseif ending == 'put' then -- KEYS index of a shared queue's list, its end, the text ('': as it is)
          local text = ARGV[e + 2] == '' and inner or ARGV[e + 2]
          local done = pcall(ARGV[e + 1], KEYS[tonumber(ARGV[e])], text)
          if type(done) == 'table' then call('RPUSH', KEYS[tonumber(ARGV[e]) + 1], '0 m 0 -\n' .. text) end
        elseif ending == 'back' then -- KEYS index of the redo list and behind it of its plain list, note for a first delivery
          local done = pcall('RPUSH', KEYS[tonumber(ARGV[e])], note .. '\n' .. inner)
          if type(done) == 'table' then call('RPUSH', KEYS[tonumber(ARGV[e]) + 1], inner) end
        elseif ending == 'park' then -- KEYS index of the parked list and behind it of its queue's tasks and eta set, task, note
          local target, text = tonumber(ARGV[e]), note .. '\n' .. inner
          local done = pcall('SADD', KEYS[target + 1], ARGV[e + 1])
          if type(done) ~= 'table' then done = pcall('LPUSH', KEYS[target], text) end
          if type(done) == 'table' then
            -- It asks again in a second. Two that are alike are one message that was sent twice.
            local now = call('TIME')
            call('ZADD', KEYS[target + 2], now[1] * 1000 + math.floor(now[2] / 1000) + 1000, 'park ' .. text)
          end
        elseif ending == 'defer' then -- KEYS index of the eta set and behind it of the redo list, due ms, a unique word, note
          local target, text = tonumber(ARGV[e]), note .. '\n' .. inner
          local done = pcall('ZADD', KEYS[target], ARGV[e + 1], ARGV[e + 2] .. ' ' .. text)
          -- (One of a shared queue stays in `unacked`, where it is found.)
          local listed = string.sub(ARGV[e + 2], 1, 3) == 'lv:'
          if type(done) == 'table' and not listed then call('LPUSH', KEYS[target + 1], text) end
        else -- KEYS index of the dead letters, id, queue, reason, task id, task, kept, seconds, note
          local dead = KEYS[tonumber(ARGV[e])]
          local letter = dead .. ':' .. ARGV[e + 1]
          local now = call('TIME')
          local ms = now[1] * 1000 + math.floor(now[2] / 1000)
          local attempts, step, worker = string.match(note, '^(%d+) %S+ (%d) (.*)$')
          call('HSET', letter, 'queue', ARGV[e + 2], 'reason', ARGV[e + 3], 'taskId', ARGV[e + 4],
            'task', ARGV[e + 5], 'attempts', attempts, 'step', step, 'lastWorker', worker, 'diedAt', ms, 'raw', inner)
          call('EXPIRE', letter, ARGV[e + 7])
          local listed = type(pcall('ZADD', dead, ms, ARGV[e + 1])) ~= 'table'
          local many = 0
          if listed then
            call('EXPIRE', dead, ARGV[e + 7])
            call('ZREMRANGEBYSCORE', dead, '-inf', ms - 1000 * tonumber(ARGV[e + 7]))
            many = call('ZCARD', dead) - tonumber(ARGV[e + 6])
          end
          if many > 0 then
            local oldest = call('ZPOPMIN', dead, math.min(many, 100))
            for k = 1, #oldest, 2 do call('DEL', dead .. ':' .. oldest[k]) end
          end
        end
      end
    else
      refused = refused or {}
      refused[#refused + 1] = plain + i
    end
    -- Its place is free with its end; who goes back keeps it, and who waits for its rate: nobody overtakes it.
    if gate and (ending == 'back' or ending == 'park') then
      gates.goBack(gate, ungated)
    elseif gate and not keep then
      gates.leave(gate)
    end
  end

  for target, texts in pairs(pushed) do
    for from = 1, #texts, 4000 do
      local to = math.min(from + 3999, #texts)
      local done = pcall('LPUSH', KEYS[target], unpack(texts, from, to))
      if type(done) == 'table' then
        -- Somebody put another type under the queue's name: our redo list keeps what must not be lost.
        for k = from, to do call('LPUSH', KEYS[target + 1], '0 - 0 -\n' .. texts[k]) end
      end
    end
  end
  if #joined > 0 then refused = refused or {} end
  if refused then refused.note = cjson.encode({ refused, joined }) end
end

local record, reply, count, plainly = { lane, '' }, { '' }, 0, true

-- The redo lists come first when they are looked at; and at last when slots are left anyway.
local place = ARGV[4] == '0' and 1 or 1 - queues
local lists = 4 * queues
local last = ARGV[4] == '0' and lists + queues or ARGV[4] == '1' and lists or 0

-- `list` is 4 × queue + priority step; `marks` go into the field's name. A message that comes for the first time
-- from a shared queue is listed for Python's recovery; one with a gate is not, since its place is known to us alone.
local function hold(value, list, marks)
  local key = marks == '' and shared and shared.keys[math.floor(list / 4) + 1]
  if key and key ~= '' and shared.accepts(value) then
    shared.enlist(value, key, request + count)
    marks = 's'
  end
  record[#record + 1] = request + count .. (list == 0 and marks or ':' .. list .. marks)
  record[#record + 1] = value
  count = count + 1
  reply[count + 1] = value
  if list > 0 or marks ~= '' then plainly = false end
end

local names -- of the queues
local function sift(value, list, marks)
  local gate, note, raw
  if marks == 'r' then
    local cut = string.find(value, '\n', 1, true)
    raw = string.sub(value, cut + 1)
    gate, note = gates.ofRedo(string.sub(value, 1, cut - 1), raw)
    value = note .. '\n' .. raw
  else
    gate, note, raw = gates.of(value), '0 - ' .. list % 4 .. ' -', value
  end
  if not gate then return hold(value, list, marks) end
  names = names or cjson.decode(call('HGET', hash, 'queues'))
  if gates.enter(gate, ARGV[13], names[math.floor(list / 4) + 1], note .. '\n' .. raw) then
    hold(gate .. '\n' .. value, list, marks .. 'g')
  end
end
local take = gates and sift or hold

local looked = 0
while slots > count and place <= last do
  local again = false
  if place < 1 or place > lists then
    local q = place < 1 and place + queues or place - lists
    local asked = slots - count
    local values = pcall('RPOP', KEYS[1 + q], asked)
    if not values or values.err then values = {} end
    for k = 1, #values do
      local value = values[k]
      local step = string.match(value, '^%d+ %S+ ([0-3]) [^\n]*\n')
      -- Somebody else has put it there: an error here would lose all that was popped.
      if not step then value, step = '0 - 0 -\n' .. value, '0' end
      take(value, 4 * tonumber(ARGV[13 + q]) + tonumber(step), 'r')
    end
    looked = looked + #values
    again = gates and #values == asked
  else
    local asked = slots - count
    local values = pcall('RPOP', KEYS[1 + queues + place], asked)
    if values and not values.err then
      local list = 4 * tonumber(ARGV[14 + (place - 1) % queues]) + math.floor((place - 1) / queues)
      if gates or shared or list > 0 then
        for k = 1, #values do take(values[k], list, '') end
      else
        for k = 1, #values do
          local value = values[k]
          record[2 * count + 3] = request + count
          record[2 * count + 4] = value
          count = count + 1
          reply[count + 1] = value
        end
      end
      looked = looked + #values
      again = gates and #values == asked
    end
  end
  -- Who went into a line left a slot free. Not for ever: a script is short.
  if not again or looked >= 2000 then place = place + 1 end
end

record[2] = ARGV[2] .. ' ' .. ARGV[3]
if refused then
  record[2] = record[2] .. ' ' .. (refused.note or cjson.encode({ refused, {} }))
  refused.note = nil
end
call('HSET', hash, unpack(record))

if refused or joins or not plainly then
  local fields = {}
  for i = 1, count do fields[i] = record[1 + 2 * i] end
  reply[1] = { fields, refused or {}, joins or {} }
end
return reply
