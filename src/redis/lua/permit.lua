-- permit: starts that the bucket of all workers allows now (the same arithmetic as runtime/pace.ts).
--
-- KEYS  1 the bucket: when the next start may be, µs
-- ARGV  1 µs between two starts · 2 µs of delay that may be made up for · 3 starts wanted
-- Returns { granted, ms until the next }. A lost answer loses its starts: the rate is never exceeded.
local now = redis.call('TIME')
local us = now[1] * 1000000 + now[2]
local interval, slack, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local from = math.min(tonumber(redis.call('GET', KEYS[1]) or '0') or 0, us + interval)
from = math.max(from, us - slack)
local granted = 0
if from <= us then
  granted = math.min(wanted, math.floor((us - from) / interval) + 1)
  from = from + granted * interval
end
local left = math.max(0, math.ceil((from - us) / 1000))
-- Longer than a delay may be made up for: who forgets what was made up would allow it again.
redis.call('SET', KEYS[1], string.format('%.0f', from), 'PX', left + math.ceil(slack / 1000) + 1000)
return { granted, left }
