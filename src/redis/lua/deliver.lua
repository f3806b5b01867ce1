-- deliver: results from an outbox are written where they belong, on the server that holds them.
--
-- KEYS  1 who delivers from this outbox
-- ARGV  1 that it is us · 2 ms that it stays so
--       then for each result: key, seconds (0 for ever, '-': a FAILURE is to be forgotten), text
-- Returns 1, or 0 when somebody else delivers: he has looked after us, and what we saw may be old.
local call, pcall = redis.call, redis.pcall
if call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
call('PEXPIRE', KEYS[1], ARGV[2])
for i = 3, #ARGV, 3 do
  local key, seconds, text = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local stored = pcall('GET', key)
  local state = type(stored) == 'string' and string.match(stored, '^{"status": "(%u+)"')
  if seconds == '-' then
    if state == 'FAILURE' then call('DEL', key) end
  elseif state ~= 'SUCCESS' and stored ~= text then
    -- A SUCCESS is never overwritten; what a courier delivered before he died is not told again.
    if seconds == '0' then call('SET', key, text) else call('SET', key, text, 'EX', seconds) end
    call('PUBLISH', key, text)
  end
end
return 1
