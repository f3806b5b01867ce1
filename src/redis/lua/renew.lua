-- renew: leases by the server's clock. Called by the lease thread.
--
-- KEYS  1 the consumers · 2 `unacked_index`
-- ARGV  for each consumer: id, lease in ms, its hash and what stands before its tags in `unacked` if a queue of
--       its is shared with Python workers, else '' and '': what it holds of those looks as if just taken
-- Returns { server's time in ms, 1 (renewed) or 0 (it is gone) for each }.
local call = redis.call
call('ZREM', KEYS[1], '') -- lets the ZADD pass on a full server
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local reply = { ms }
for i = 1, #ARGV, 4 do
  local there = call('ZSCORE', KEYS[1], ARGV[i])
  if there and ARGV[i + 2] ~= '' then
    local seconds = string.format('%.3f', ms / 1000)
    for _, field in ipairs(call('HKEYS', ARGV[i + 2])) do
      local n, marks = string.match(field, '^(%d+):?%d*(%a*)$')
      if n and string.find(marks, 's', 1, true) and not string.find(marks, '[ej]') then
        call('ZADD', KEYS[2], 'XX', seconds, ARGV[i + 3] .. n)
      end
    end
  end
  if there then call('ZADD', KEYS[1], 'XX', ms + tonumber(ARGV[i + 1]), ARGV[i]) end
  reply[#reply + 1] = there and 1 or 0
end
return reply
