-- revoke: tasks that no worker is to run any more, by id or by stamp.
--
-- KEYS  1 revoked ids · 2 revoked stamps
-- ARGV  1 most ids that are remembered · 2 seconds that they are · 3 broker's database
--       4 results' database, '' when it is the same, `>` and the outbox when it is on another server · 5 how many ids · 6 how many stamps
--       then the ids, the stamps (JSON), and for each result: key, text, seconds (0 for ever)
-- Returns the server's time in ms. Stored only where nothing is, or the state RETRY. Sent again it changes nothing.
local call, pcall = redis.call, redis.pcall
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local at = 7
for k = 1, 2 do
  for _ = 1, tonumber(ARGV[4 + k]) do
    call('ZADD', KEYS[k], ms, ARGV[at])
    at = at + 1
  end
  call('ZREMRANGEBYSCORE', KEYS[k], '-inf', ms - 1000 * tonumber(ARGV[2]))
  call('ZREMRANGEBYRANK', KEYS[k], 0, -1 - tonumber(ARGV[1]))
  call('EXPIRE', KEYS[k], ARGV[2])
end
local outbox = outboxOf(ARGV[4])
local split = ARGV[4] ~= '' and not outbox
if split then call('SELECT', ARGV[4]) end
for i = at, #ARGV, 3 do
  local stored = pcall('GET', ARGV[i])
  if not stored or (type(stored) == 'string' and string.sub(stored, 1, 18) == '{"status": "RETRY"') then
    if outbox then
      post(outbox, ARGV[i], ARGV[i + 1], ARGV[i + 2])
    else
      if ARGV[i + 2] == '0' then call('SET', ARGV[i], ARGV[i + 1]) else call('SET', ARGV[i], ARGV[i + 1], 'EX', ARGV[i + 2]) end
      call('PUBLISH', ARGV[i], ARGV[i + 1])
    end
  end
end
if split then call('SELECT', ARGV[3]) end
return ms
