-- survey: a piece of all keys. Which of them tell where messages lie; and of what has no TTL, what was silent for long.
--
-- ARGV  1 database to look into, '' for the broker's · 2 broker's database · 3 cursor · 4 about how many keys
--       5 seconds of silence · 6 how many beginnings of names are wanted as they are · 7 … those, and others of what may be silent
-- Returns { cursor, { keys that begin so }, { silent ones of the others } }.
local call = redis.call
if ARGV[1] ~= '' then call('SELECT', ARGV[1]) end
-- Beginnings of one length are looked up at once: most keys are others, and there may be millions.
local function beginnings(from, to)
  local known, lengths = {}, {}
  for i = from, to do
    local length = #ARGV[i]
    if not known[length] then
      known[length] = {}
      lengths[#lengths + 1] = length
    end
    known[length][ARGV[i]] = true
  end
  return function(key)
    for _, length in ipairs(lengths) do
      if known[length][string.sub(key, 1, length)] then return true end
    end
    return false
  end
end
local wanted = 6 + tonumber(ARGV[6])
local isPlace, mayBeSilent = beginnings(7, wanted), beginnings(wanted + 1, #ARGV)
-- Where keys are evicted by how often they are used, Redis does not know when one was: then all are silent.
local function isSilent(key)
  local idle = redis.pcall('OBJECT', 'IDLETIME', key)
  return type(idle) ~= 'number' or idle >= tonumber(ARGV[5])
end
local page = call('SCAN', ARGV[3], 'COUNT', ARGV[4])
local places, silent = {}, {}
for _, key in ipairs(page[2]) do
  if isPlace(key) then places[#places + 1] = key end
  if mayBeSilent(key) and call('TTL', key) == -1 and isSilent(key) then silent[#silent + 1] = key end
end
if ARGV[1] ~= '' then call('SELECT', ARGV[2]) end
return { page[1], places, silent }
