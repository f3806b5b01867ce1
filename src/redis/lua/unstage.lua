-- unstage: messages that were sent ahead, and released, go to their queue: a moment's worth. Sent again it moves
-- the next ones, which is as good.
--
-- KEYS  1 the staged list · 2 the queue's list
-- ARGV  1 how many
-- Returns how many were moved.
local call = redis.call
local kind = call('TYPE', KEYS[2]).ok
if kind ~= 'none' and kind ~= 'list' then return redis.error_reply('WRONGTYPE ' .. KEYS[2] .. ' is no queue') end
local raws = call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
if #raws == 0 then return 0 end
call('LTRIM', KEYS[1], #raws, -1) -- first: on a full server it makes the room
call('LPUSH', KEYS[2], unpack(raws))
return #raws
