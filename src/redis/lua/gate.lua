-- gate: at most so many messages of one key at once, in order (runtime/gate.ts). Loaded in front of the scripts that
-- claim, complete and purge; costs nothing where no gate is kept.
--
-- Inside: a hash, who → the consumer that has it, '' on the way to one. Before it a line: a list of
-- `<limit> <who> <name>\n<queue>\n<note>\n<raw>`. How many wait in which queue: a hash for each queue.
-- On the way to a consumer, who has no header with its gate has it in its note: `<attempts> <flag>@<gate> …`.
-- The field of a held message that is inside has a `g`, and its value the gate in front.

-- `base` is the prefix of all our keys.
local function gating(base)
  local call, self = redis.call, {}

  function self.of(raw)
    local from = string.find(raw, '"lovage_gate": "', 1, true)
    return from and string.match(raw, '^"lovage_gate": "([1-9]%d* [^"%s\\]+ [^"%s\\]+)"', from)
  end

  -- The same of what lies in a redo list; also its note as it was.
  function self.ofRedo(note, raw)
    local gate = self.of(raw)
    if gate then return gate, note end
    local before, noted, behind = string.match(note, '^(%d+ %S)@(%S+)(.*)$')
    if not noted then return nil, note end
    return string.gsub(noted, '/', ' '), before .. behind
  end

  local function partsOf(gate)
    local limit, who, name = string.match(gate, '^(%d+) (%S+) (%S+)$')
    return tonumber(limit), who, name
  end

  -- Somebody may have put another type under a name of ours.
  local function holds(key, kind)
    local is = call('TYPE', key).ok
    return is == kind or is == 'none'
  end

  local function waitsLess(queue, name)
    local waiting = base .. 'gated:' .. queue
    if not holds(waiting, 'hash') then return end
    if call('HINCRBY', waiting, name, -1) <= 0 then call('HDEL', waiting, name) end
  end

  -- Until a moment (ms) it is where what waits for its time is. Two that are alike are one message that was sent twice.
  local function putOff(queue, text, due) return call('ZADD', base .. 'eta:' .. queue, due, 'gate ' .. text) end

  -- Whoever is next goes to its queue's redo list, as often as there is room.
  local function advance(limit, name)
    local inside, line = base .. 'gate:' .. name, base .. 'line:' .. name
    if not holds(inside, 'hash') or not holds(line, 'list') then return end
    while call('HLEN', inside) < limit do
      local entry = call('RPOP', line)
      if not entry then return end
      -- (What is no entry of ours is dropped: nobody could tell where it belongs, and an error would lose more.)
      local gate, queue, rest = string.match(entry, '^(%d+ %S+ %S+)\n([^\n]*)\n(%d+ %S[^\n]*\n.*)$')
      if gate then
        local _, who = partsOf(gate)
        if call('HEXISTS', inside, who) == 1 then
          -- A second message of a task whose first one runs.
          call('RPUSH', line, entry)
          return
        end
        call('HSET', inside, who, '')
        if not self.of(rest) then
          local before, behind = string.match(rest, '^(%d+ %S)(.*)$')
          rest = before .. '@' .. string.gsub(gate, ' ', '/') .. behind
        end
        local redo = base .. 'redo:' .. queue
        if holds(redo, 'list') then call('LPUSH', redo, rest) else putOff(queue, rest, 0) end
        waitsLess(queue, name)
      end
    end
  end

  -- True: it is inside now, with this consumer. False: it stands in the line, or, where nobody can tell whether it may go
  -- in, it asks again in a second. `rest` is its note and the envelope.
  function self.enter(gate, consumer, queue, rest)
    local limit, who, name = partsOf(gate)
    local inside, line = base .. 'gate:' .. name, base .. 'line:' .. name
    if not holds(inside, 'hash') or not holds(line, 'list') or not holds(base .. 'gated:' .. queue, 'hash') then
      local now = call('TIME')
      putOff(queue, rest, now[1] * 1000 + math.floor(now[2] / 1000) + 1000)
      return false
    end
    local holder = call('HGET', inside, who)
    -- Who is inside already comes again after its worker's end; or is a second message of the same task.
    local free = holder and (holder == '' or not call('ZSCORE', base .. 'consumers', holder))
      or not holder and call('HLEN', inside) < limit and call('EXISTS', line) == 0
    if free then
      call('HSET', inside, who, consumer)
      return true
    end
    call('LPUSH', line, gate .. '\n' .. queue .. '\n' .. rest)
    call('HINCRBY', base .. 'gated:' .. queue, name, 1)
    advance(limit, name)
    return false
  end

  function self.leave(gate)
    local limit, who, name = partsOf(gate)
    local inside = base .. 'gate:' .. name
    if holds(inside, 'hash') and call('HDEL', inside, who) == 1 then advance(limit, name) end
  end

  -- It goes back to its queue, and keeps its place, where its header tells that it has one.
  function self.goBack(gate, raw)
    if not self.of(raw) then return self.leave(gate) end
    local _, who, name = partsOf(gate)
    local inside = base .. 'gate:' .. name
    if holds(inside, 'hash') and call('HEXISTS', inside, who) == 1 then call('HSET', inside, who, '') end
  end

  return self
end

