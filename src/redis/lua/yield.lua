-- yield: what waits behind a task that blocks its worker's loop goes back, uncounted. Called by the lease thread.
--
-- KEYS  1 the consumer's hash
-- ARGV  1, 2 numbers: above the first and up to the second none has begun · 3 prefix of redo lists · 4 the worker's name
-- Returns how many went back. Its worker says of each that it goes back as soon as it can; whoever is second does nothing.
local call = redis.call
local names = call('HGET', KEYS[1], 'queues')
if not names then return 0 end
names = cjson.decode(names)
call('HDEL', KEYS[1], '') -- lets the RPUSH pass on a full server

-- With any other letter it has begun, or others know of it (shared.lua, gate.lua).
local found = {}
for _, field in ipairs(call('HKEYS', KEYS[1])) do
  local number, list, redelivered = string.match(field, '^(%d+):?(%d*)(r?)$')
  number = tonumber(number)
  if number and number > tonumber(ARGV[1]) and number <= tonumber(ARGV[2]) then
    found[#found + 1] = { number, field, tonumber(list) or 0, redelivered }
  end
end

-- The oldest last: what came back last is the next to be taken.
table.sort(found, function(one, other) return one[1] > other[1] end)
local back = 0
for _, each in ipairs(found) do
  local text = call('HGET', KEYS[1], each[2])
  if each[4] == '' then text = '0 - ' .. each[3] % 4 .. ' ' .. ARGV[4] .. '\n' .. text end
  local done = redis.pcall('RPUSH', ARGV[3] .. names[math.floor(each[3] / 4) + 1], text)
  -- A key of the wrong type: it stays where it is, and its worker gives it back.
  if type(done) ~= 'table' then
    call('HDEL', KEYS[1], each[2])
    back = back + 1
  end
end
return back
