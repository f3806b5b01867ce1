-- lead: who of many beats fires. A lease that its holder renews; it saves work and guards nothing (fire.lua does).
--
-- KEYS  1 the lease
-- ARGV  1 who asks · 2 ms that it lasts, 0 gives it back
-- Returns { server's time in ms, 1 (we lead), 0 or -1 (the key holds something else) }.
local call = redis.call
local time = call('TIME')
local kind = call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'string' then return { time[1] * 1000 + math.floor(time[2] / 1000), -1 } end
local holder = call('GET', KEYS[1])
local free = not holder or holder == ARGV[1]
if free then
  if ARGV[2] == '0' then call('DEL', KEYS[1]) else call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
end
return { time[1] * 1000 + math.floor(time[2] / 1000), free and 1 or 0 }
