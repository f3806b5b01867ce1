-- stage: a piece of messages is sent ahead of what releases them. Counts once however often it is sent.
--
-- KEYS  1 the list
-- ARGV  1 how many lie before this piece · 2 … the messages
-- Returns 1, or 0: what was sent before is gone.
local call = redis.call
local there, before = call('LLEN', KEYS[1]), tonumber(ARGV[1])
if there < before then return 0 end
if there == before then call('RPUSH', KEYS[1], unpack(ARGV, 2)) end
call('EXPIRE', KEYS[1], 86400)
return 1
