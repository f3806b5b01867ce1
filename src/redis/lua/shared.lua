-- shared: a consumer's messages of queues that Python workers consume as well. Loaded in front of step.lua; costs
-- nothing where no queue is shared.
--
-- Each has an entry in kombu's `unacked` under our tag, `[<message>,"","<queue>"]`, where Python's own recovery finds
-- it when we are gone. The entry is a token: who takes it away has the message, and all others' ends are refused.
-- The field in our hash has an `s` then; with `e` (acknowledged early), `j` (its run is over) or `g`
-- (it is inside a gate) it is gone.

-- May Python's recovery meet it? One entry that it cannot read stops every sweep of every Python worker for ever.
-- In doubt: no. What is not listed is held like a message of our own queues.
local function accepts(raw)
  if string.sub(raw, 1, 1) ~= '{' or string.find(raw, '%c') then return false end
  if string.find(raw, '[\128-\255]') then
    local rest = string.gsub(raw, '[\194-\223][\128-\191]', '')
    rest = string.gsub(rest, '[\225-\236\238\239][\128-\191][\128-\191]', '')
    rest = string.gsub(rest, '\224[\160-\191][\128-\191]', '')
    rest = string.gsub(rest, '\237[\128-\159][\128-\191]', '')
    rest = string.gsub(rest, '\240[\144-\191][\128-\191][\128-\191]', '')
    rest = string.gsub(rest, '[\241-\243][\128-\191][\128-\191][\128-\191]', '')
    rest = string.gsub(rest, '\244[\128-\143][\128-\191][\128-\191]', '')
    if string.find(rest, '[\128-\255]') then return false end
  end
  local ok, message = pcall(cjson.decode, raw)
  if not ok or type(message) ~= 'table' then return false end
  -- Without strings and words, what is left is numbers (not too long) and brackets (not too many).
  local rest = string.gsub(string.gsub(raw, '\\.', ''), '"[^"]*"', '')
  rest = string.gsub(string.gsub(string.gsub(rest, 'true', ''), 'false', ''), 'null', '')
  if #rest > 4000 or string.find(rest, '[^%s{}%[%],:%-%+%.%deE]') then return false end
  if select(2, string.gsub(rest, '[%[{]', '')) > 500 then return false end
  -- cjson takes 01 for a number, and Python does not.
  for word in string.gmatch(rest, '[^%s{}%[%],:]+') do
    local after = string.match(word, '^%-?0(.*)$') or string.match(word, '^%-?[1-9]%d*(.*)$')
    after = after and (string.match(after, '^%.%d+(.*)$') or after)
    if not after or after ~= '' and not string.find(after, '^[eE][%+%-]?%d+$') then return false end
  end
  local function known(value)
    if type(value) ~= 'table' then return true end
    local kind = value.__type__
    local kinds = ' datetime date time decimal uuid bytes base64 '
    if kind ~= nil and not string.find(kinds, ' ' .. tostring(kind) .. ' ', 1, true) then return false end
    for _, each in pairs(value) do
      if not known(each) then return false end
    end
    return true
  end
  if not known(message) then return false end
  -- Celery marks them when it gives the message back.
  local headers, properties = message.headers, message.properties
  if headers ~= nil and type(headers) ~= 'table' then return false end
  if properties ~= nil and type(properties) ~= 'table' then return false end
  local info = properties and properties.delivery_info
  return info == nil or type(info) == 'table'
end

-- `told`: tags (what stands before ours), keys (of each registered queue its routing key as JSON, '' for our own).
local function sharing(told)
  local call, unacked, index = redis.call, KEYS[#KEYS - 1], KEYS[#KEYS]
  local seconds
  local self = { keys = told.keys, accepts = accepts }

  function self.lists(field)
    return string.match(field, 's%a*$') and not string.find(field, '[ejg]')
  end

  function self.enlist(raw, key, number)
    if not seconds then
      local now = call('TIME')
      seconds = string.format('%.6f', now[1] + now[2] / 1000000)
    end
    local tag = told.tags .. string.format('%.0f', number)
    call('HSET', unacked, tag, '[' .. raw .. ',"",' .. key .. ']')
    call('ZADD', index, seconds, tag)
  end

  -- False: a Python worker, or who cleans up behind us, was faster.
  function self.take(field, ending, due)
    local tag = told.tags .. string.match(field, '^%d+')
    if ending == 'defer' then -- it stays there until it is due
      if call('HEXISTS', unacked, tag) == 0 then return false end
      call('ZADD', index, string.format('%.3f', due / 1000), tag)
      return true
    end
    call('ZREM', index, tag)
    return call('HDEL', unacked, tag) == 1
  end

  return self
end

