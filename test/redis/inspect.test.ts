// What a worker is told about its server before it starts.
import { expect, it } from 'vitest'
import { inspectServer } from '../../src/redis/inspect.js'
import { useRoom } from './room.js'

const room = await useRoom()

const answers = (info: string, save: string | null = '') =>
  inspectServer(async (command) => {
    if (command === 'info') return Buffer.from(info)
    if (save === null) throw new Error("NOPERM this user has no permissions to run the 'config|get' command")
    return [Buffer.from('save'), Buffer.from(save)]
  })

const good = 'redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n'

it('says what the server is', async () => {
  const report = await room.open().broker.inspect()
  expect(report).toMatchObject({ server: expect.stringMatching(/^(Redis|Valkey) \d/), refusals: [] })
  expect(report.warnings).toEqual([expect.stringContaining('a restart of Redis loses all messages')])
})

it('has nothing against a good one', async () => {
  expect(await answers(good)).toEqual({ server: 'Redis 7.0.15', refusals: [], warnings: [] })
})

it.each([
  ['a version without RPOP count', good.replace('7.0.15', '6.0.16'), /needs Redis 6.2 or newer/],
  [
    'an evicting policy',
    good.replace('noeviction', 'allkeys-lru'),
    /maxmemory-policy is "allkeys-lru".*noeviction/,
  ],
  ['a replica', good.replace('master', 'slave'), /read-only replica/],
  ['a cluster', `${good}redis_mode:cluster\r\n`, /cluster/],
])('refuses %s', async (_, info, sentence) => {
  expect((await answers(info)).refusals).toEqual([expect.stringMatching(sentence)])
})

it.each([
  ['a policy that may evict results', good.replace('noeviction', 'volatile-ttl'), '', /volatile-ttl/],
  ['no persistence', good.replace('aof_enabled:1', 'aof_enabled:0'), '', /loses all messages/],
  ['forbidden CONFIG', good.replace('aof_enabled:1', 'aof_enabled:0'), null, /CONFIG is forbidden to us/],
])('warns of %s', async (_, info, save, sentence) => {
  const { refusals, warnings } = await answers(info, save)
  expect(refusals).toEqual([])
  expect(warnings).toEqual([expect.stringMatching(sentence)])
})

it('is content with snapshots', async () => {
  expect((await answers(good.replace('aof_enabled:1', 'aof_enabled:0'), '3600 1')).warnings).toEqual([])
})
