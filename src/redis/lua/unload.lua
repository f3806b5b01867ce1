-- unload: what was delivered leaves the outbox, and what waited for that goes on; not if somebody else has taken from it
-- since it was looked at.
--
-- KEYS  1 the outbox · 2 what is known of it
-- ARGV  1 its name · 2 how many were taken before · 3 how many go · 4 how many messages go out now
--       then for each of these: its list, the redo list of that, the message
--       then for each chord whose last part was delivered: where its members are kept until the body is out (taken), the
--         ids of its parts (seen), the id of the last one, redo list of its queue, its message, number of members, members
-- Returns 1 or 0.
local call, pcall = redis.call, redis.pcall
local known = call('HMGET', KEYS[2], 'name', 'taken')
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then return 0 end
local joins = 5 + 3 * tonumber(ARGV[4])
-- What frees comes first: so a full server lets it through.
call('LTRIM', KEYS[1], ARGV[3], -1)
call('HINCRBY', KEYS[2], 'taken', ARGV[3])
for at = 5, joins - 1, 3 do
  local done = pcall('LPUSH', ARGV[at], ARGV[at + 2])
  if type(done) == 'table' then call('LPUSH', ARGV[at + 1], '0 - 0 -\n' .. ARGV[at + 2]) end
end
-- As if its worker had died between the last part and the body: whoever gets the message asks first, and finds them.
local at = joins
while at <= #ARGV do
  local taken, seen, many = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 5])
  call('DEL', taken)
  for from = at + 6, at + 5 + many, 4000 do
    call('RPUSH', taken, unpack(ARGV, from, math.min(from + 3999, at + 5 + many)))
  end
  call('SADD', seen, ARGV[at + 2])
  call('PERSIST', seen)
  call('RPUSH', ARGV[at + 3], ARGV[at + 4])
  at = at + 6 + many
end
return 1
