-- peek: what lies at the head of the outbox; it stays there until it has been delivered.
--
-- KEYS  1 the outbox · 2 what is known of it
-- ARGV  1 its name, should it have none yet · 2 bytes that are enough
-- Returns { name, how many were taken before, entry, … }.
local call = redis.call
local name = call('HGET', KEYS[2], 'name')
-- Written only then: a full server lets the rest pass.
if not name then
  name = ARGV[1]
  call('HSET', KEYS[2], 'name', name, 'taken', '0')
end
call('EXPIRE', KEYS[2], 86400)
local reply, bytes, most = { name, call('HGET', KEYS[2], 'taken') }, 0, tonumber(ARGV[2])
for from = 0, 480, 20 do
  local entries = call('LRANGE', KEYS[1], from, from + 19)
  for _, entry in ipairs(entries) do
    if bytes >= most then return reply end
    reply[#reply + 1] = entry
    bytes = bytes + #entry
  end
  if #entries < 20 then break end
end
return reply
