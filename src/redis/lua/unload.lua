-- unload: what was delivered leaves the outbox; not if somebody else has taken from it since it was looked at.
--
-- KEYS  1 the outbox · 2 what is known of it
-- ARGV  1 its name · 2 how many were taken before · 3 how many go
-- Returns 1 or 0.
local call = redis.call
local known = call('HMGET', KEYS[2], 'name', 'taken')
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then return 0 end
-- What frees comes first: so a full server lets it through.
call('LTRIM', KEYS[1], ARGV[3], -1)
call('HINCRBY', KEYS[2], 'taken', ARGV[3])
return 1
