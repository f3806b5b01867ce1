-- store: a passing state (STARTED, PROGRESS, …) of a task that runs, while we hold its message.
--
-- KEYS  1 the consumer's hash
-- ARGV  1 field · 2 result key · 3 text · 4 seconds, 0 for ever
--       5 broker's database · 6 results' database, '' when it is the same, `>` and the outbox when it is on another server
-- Returns 1, or 0 when it is not ours any more. A stored SUCCESS stays.
local call, pcall = redis.call, redis.pcall
if call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
call('HDEL', KEYS[1], '') -- lets the SET pass on a full server
local outbox = outboxOf(ARGV[6])
local split = ARGV[6] ~= '' and not outbox
if split then call('SELECT', ARGV[6]) end
local stored = pcall('GET', ARGV[2])
if type(stored) ~= 'string' or string.sub(stored, 1, 20) ~= '{"status": "SUCCESS"' then
  if outbox then
    post(outbox, ARGV[2], ARGV[3], ARGV[4])
  else
    if ARGV[4] == '0' then call('SET', ARGV[2], ARGV[3]) else call('SET', ARGV[2], ARGV[3], 'EX', ARGV[4]) end
    call('PUBLISH', ARGV[2], ARGV[3])
  end
end
if split then call('SELECT', ARGV[5]) end
return 1
