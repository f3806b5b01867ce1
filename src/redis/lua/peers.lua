-- peers: what Python workers hold, by the server's clock.
--
-- KEYS  1 `unacked` · 2 `unacked_index`
-- ARGV  1 visibility timeout, seconds · 2 overdue ones to pass over · 3 most overdue ones · 4 most others
-- Returns { server's time in ms, { tag, score, entry or '', … overdue, the oldest first }, { tag, … those that are
-- held for a shorter time; none of the future: their scores are their etas } }.
local call = redis.call
local now = call('TIME')
local seconds = now[1] + now[2] / 1000000
local limit = string.format('%.6f', seconds - tonumber(ARGV[1]))
local overdue = {}
local found = call('ZRANGEBYSCORE', KEYS[2], 0, limit, 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
for i = 1, #found, 2 do
  overdue[#overdue + 1] = found[i]
  overdue[#overdue + 1] = found[i + 1]
  overdue[#overdue + 1] = call('HGET', KEYS[1], found[i]) or ''
end
local others = call('ZREVRANGEBYSCORE', KEYS[2], string.format('%.6f', seconds), '(' .. limit, 'LIMIT', 0, ARGV[4])
return { now[1] * 1000 + math.floor(now[2] / 1000), overdue, others }
