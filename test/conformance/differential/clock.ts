// The time of a Redis cannot be set. When the test's clock jumps, everything that Redis keeps moves into the past by
// as much: leases, etas, revocations, dead letters, rates, and what is left of every TTL.
import type { Databases, Keys } from '../../../src/redis/keys.js'
import type { Link } from '../../../src/redis/link.js'

const script = `
local ms, base = tonumber(ARGV[1]), ARGV[2]
for at = 3, #ARGV do
  redis.call('SELECT', ARGV[at])
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind, left = redis.call('TYPE', key).ok, redis.call('PTTL', key)
    local ours = string.sub(key, 1, #base) == base
    local name = ours and string.match(string.sub(key, #base + 1), '^[^:]*')
    if left >= 0 and left <= ms then
      redis.call('DEL', key)
    elseif left >= 0 then
      redis.call('PEXPIRE', key, left - ms)
    end
    if left < 0 or left > ms then
      if name == 'rate' then
        local us = string.format('%.0f', tonumber(redis.call('GET', key)) - 1000 * ms)
        redis.call('SET', key, us, 'KEEPTTL')
      elseif name == 'dead' and kind == 'hash' then
        redis.call('HINCRBY', key, 'diedAt', -ms)
      elseif kind == 'zset' and (name == 'consumers' or name == 'eta' or name == 'dead' or name == 'revoked') then
        for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ms, member) end
      end
    end
  end
end
redis.call('SELECT', ARGV[3])
`

/** All that a sequence may have written to, the broker's first. */
export const databasesOf = ({ broker, results }: Databases): readonly string[] =>
  results === '' ? [broker] : [broker, results]

export const jump = async (link: Link, keys: Keys, databases: Databases, ms: number): Promise<void> => {
  await link.send('eval', [script, 0, ms, keys.base, ...databasesOf(databases)])
}
