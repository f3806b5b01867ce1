// What `lovage doctor` says of things that a test cannot bring about on a real Redis: a clock that is off, a server far
// away, memory that is nearly used up, a chord of which nothing was heard for hours.
import { Redis } from 'ioredis'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { examine } from '../../src/redis/examine.js'
import { quoted, redisCli } from '../../src/redis/finding.js'
import { Keys } from '../../src/redis/keys.js'
import type { Reply } from '../../src/redis/link.js'
import { run } from '../support/processes.js'
import { startRedis } from '../support/redis.js'

// What mends it is printed here whole, by a shell.
const redis = await startRedis({ password: null })
const client = new Redis(redis.url)
beforeEach(async () => void (await client.flushdb()))
afterAll(async () => {
  client.disconnect()
  await redis.stop()
})

type Args = readonly (string | number)[]
type Told = (command: string, args: Args, reply: Reply) => Reply | Promise<Reply>

/** What is found where `told` changes what the server answers. */
const found = async (check: string, told: Told, chords = true) => {
  const ask = async (command: string, args: Args): Promise<Reply> => {
    const reply = (await client.callBuffer(command, ...args.map(String))) as Reply
    return told(command, args, reply)
  }
  const examination = {
    url: redis.url,
    master: '',
    ask,
    keys: new Keys('', ''),
    queues: ['celery'],
    visibilityTimeout: 3600,
    chords,
  }
  const findings = await examine(examination)
  return findings.filter((finding) => finding.check === check)
}
const asItIs: Told = (_command, _args, reply) => reply

it.each([
  [5000, 'behind'],
  [-5000, 'ahead of'],
])('a clock that is %i ms from the server’s', async (ms, where) => {
  const shift: Told = (command, _args, reply) =>
    command === 'time'
      ? (reply as readonly Buffer[]).map((part, i) =>
          i === 0 ? Buffer.from(`${Number(part) + ms / 1000}`) : part,
        )
      : reply
  expect(await found('clock', shift)).toEqual([
    {
      check: 'clock',
      level: 'warning',
      says: expect.stringContaining(`${where} the server’s`),
      mend: expect.stringContaining('Set this one'),
      commands: ['chronyc makestep'],
    },
  ])
  expect(await found('clock', asItIs)).toMatchObject([{ level: 'ok' }])
})

it('a server that is far away', async () => {
  const far: Told = async (command, _args, reply) => {
    if (command === 'time') await new Promise((resolve) => setTimeout(resolve, 60))
    return reply
  }
  expect(await found('latency', far)).toMatchObject([{ level: 'warning' }])
})

it('memory that is nearly used up', async () => {
  const full: Told = (command, args, reply) =>
    command === 'info' && args[0] === 'memory'
      ? Buffer.from('used_memory:99000000\r\nmaxmemory:100000000\r\n')
      : reply
  expect(await found('memory', full)).toMatchObject([
    {
      level: 'error',
      commands: [`redis-cli -u ${redis.url} CONFIG SET maxmemory 200000000`, expect.any(String)],
    },
  ])
})

it('what no message leads to, as the sweeps say', async () => {
  expect(await found('orphans', asItIs)).toMatchObject([{ level: 'ok' }])
  await client.zadd('lovage:orphans', Date.now() - 172_800_000, 'old', Date.now(), 'new')
  expect(await found('orphans', asItIs)).toMatchObject([
    {
      level: 'warning',
      says: 'no message leads to the pages or the chords of 2 graphs and groups, such as old, for 2.0 days',
      mend: expect.stringContaining('use lovage purge'),
    },
  ])
})

it('a chord of which nothing was heard for hours; one that is at work is none', async () => {
  await client.zadd('celery-taskset-meta-slow.j', 1, 'part')
  const idle: Told = (command, _args, reply) => (command === 'object' ? 7200 : reply)
  expect(await found('chords', idle)).toMatchObject([
    {
      level: 'warning',
      says: '1 has waited for a part for more than an hour, such as celery-taskset-meta-slow',
    },
  ])
  await client.zadd('celery-taskset-meta-slow.j', 0, '[1, "task-1", "SUCCESS", 3]')
  await client.set('celery-taskset-meta-slow.s', 3)
  expect(await found('chords', idle)).toMatchObject([{ commands: ['lovage -A … graph task-1'] }])
  expect(await found('chords', asItIs)).toMatchObject([{ level: 'ok' }])
  expect(await found('chords', idle, false)).toMatchObject([
    { level: 'ok', says: expect.stringContaining('another database') },
  ])
})

it('a chord is as silent as it was, however often one looks', async () => {
  const [size, parts] = ['celery-taskset-meta-stuck.s', 'celery-taskset-meta-stuck.j']
  await client.set(size, 2)
  await client.zadd(parts, 0, '[1, "task-1", "SUCCESS", 3]')
  for (const key of [size, parts]) {
    const dump = await client.dumpBuffer(key)
    await client.call('RESTORE', key, 0, dump, 'REPLACE', 'IDLETIME', 7200)
  }
  for (const _ of [1, 2])
    expect(await found('chords', asItIs)).toMatchObject([{ commands: ['lovage -A … graph task-1'] }])
})

it('a chord of which no part has come at all', async () => {
  await client.set('celery-taskset-meta-deaf.s', 3)
  const idle: Told = (command, _args, reply) => (command === 'object' ? 7200 : reply)
  expect(await found('chords', idle)).toMatchObject([
    { level: 'warning', says: expect.stringContaining('-deaf'), commands: ['lovage -A … worker'] },
  ])
})

it('dead letters of before yesterday are no news, and those of today are', async () => {
  const daysAgo = (days: number): number => Date.now() - days * 86_400_000
  await client.zadd('lovage:dead', daysAgo(3), 'old', daysAgo(2), 'older')
  expect(await found('dead letters', asItIs)).toMatchObject([
    { level: 'ok', says: '2, none of them of the last day' },
  ])
  await client.zadd('lovage:dead', daysAgo(0.5), 'new')
  expect(await found('dead letters', asItIs)).toMatchObject([
    { level: 'warning', says: '3, and they grow: 1 in the last day, 0 of them in the last hour' },
  ])
})

it('what the server is not allowed to tell, or cannot, hides nothing else', async () => {
  await client.zadd('celery-taskset-meta-slow.j', 1, 'part')
  await client.set('lovage:dead', 'no letters')
  const lfu: Told = (command, _args, reply) => {
    if (command === 'object') throw new Error('ERR An LFU maxmemory policy is selected')
    return reply
  }
  expect(await found('chords', lfu)).toMatchObject([
    { level: 'warning', says: expect.stringContaining('could not be looked at: ERR An LFU') },
  ])
  expect(await found('dead letters', lfu)).toMatchObject([{ level: 'warning' }])
  expect(await found('keys', lfu)).toMatchObject([{ level: 'error', says: '"lovage:dead" is no zset' }])
})

it('an evicting server and the others come with a command that mends them', async () => {
  const evicts: Told = (command, args, reply) =>
    command === 'info' && args.length === 0
      ? Buffer.from(String(reply).replace('noeviction', 'allkeys-lfu'))
      : reply
  const mends = (await found('server', evicts)).map(({ level, commands }) => [level, commands])
  expect(mends).toEqual([
    ['ok', []],
    ['error', [`redis-cli -u ${redis.url} CONFIG SET maxmemory-policy noeviction`]],
    ['warning', [`redis-cli -u ${redis.url} CONFIG SET appendonly yes`]],
  ])
})

it.each([
  ['plain-1:x', 'plain-1:x'],
  ['two words', "'two words'"],
  ["it's", "'it'\\''s'"],
  ['celery\x06\x163', "$'celery\\x06\\x163'"],
])('a key is one word of a shell: %j', (key, word) => expect(quoted(key)).toBe(word))

/** Each command of redis-cli that is told, as a shell reads it. */
const paste = async (check: string, told = asItIs): Promise<readonly unknown[]> => {
  const commands = (await found(check, told)).flatMap((finding) => finding.commands)
  const typed = commands.filter((command) => command.startsWith('redis-cli '))
  return Promise.all(
    typed.map(async (command) => {
      const { stdout } = await run('bash', ['-c', `printf '%s\\0' ${command}`])
      const [, , url, ...words] = stdout().split('\0').slice(0, -1)
      expect(url).toBe(redis.url)
      return client.call(...(words as [string, string]))
    }),
  )
}

it('the command that is told for a key of the wrong type mends it', async () => {
  await client.set('celery\x06\x163', 'no list')
  expect(await paste('keys')).toEqual([1])
  expect(await found('keys', asItIs)).toMatchObject([{ level: 'ok' }])
})

it('so do those for a server that evicts, saves nothing and is full', async () => {
  const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
  await client.config('SET', 'maxmemory', Math.round(used * 1.05))
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  expect((await found('server', asItIs)).map(({ level }) => level)).toEqual(['ok', 'error', 'warning'])
  expect(await paste('server')).toEqual(['OK', 'OK'])
  expect(await found('server', asItIs)).toMatchObject([{ level: 'ok' }])
  expect(await found('memory', asItIs)).toMatchObject([{ level: 'error' }])
  expect(await paste('memory')).toEqual(['OK'])
  expect(await found('memory', asItIs)).toMatchObject([{ level: 'ok' }])
  await client.config('SET', 'appendonly', 'no')
  await client.config('SET', 'maxmemory', '0')
})

it.each([
  ['redis://:**@host:6379/0', '', 'redis-cli -u redis://host:6379/0 --askpass'],
  ['rediss://ada:**@[::1]:6379/2', '', "redis-cli -u 'rediss://[::1]:6379/2' --user ada --askpass"],
  ['redis+socket:///run/redis.sock?virtual_host=3', '', 'redis-cli -s /run/redis.sock -n 3'],
  [
    'sentinel://:**@a:26379,b:26379/1?master=mine',
    '10.0.0.7:6380',
    'redis-cli -h 10.0.0.7 -p 6380 -n 1 --askpass',
  ],
])('the way to %s is typed without its password', (url, master, typed) =>
  expect(redisCli({ url, master })).toBe(typed),
)

it('a key of a wrong type is found where its name is a task’s or a worker’s, too', async () => {
  for (const name of ['gate:t:a', 'line:t:a', 'parked:celery\x06\x16t', 'unacked:w', 'graph:g'])
    await client.set(`lovage:${name}`, 'a text')
  await client.rpush('lovage:rate:t', 'a list')
  await client.hset('lovage:gate:t:b', 'who', '')
  const told = (await found('keys', asItIs)).map(({ says }) => says).sort()
  expect(told).toEqual([
    '"lovage:gate:t:a" is no hash',
    '"lovage:graph:g" is no hash',
    '"lovage:line:t:a" is no list',
    '"lovage:parked:celery\\u0006\\u0016t" is no list',
    '"lovage:rate:t" is no string',
    '"lovage:unacked:w" is no hash',
  ])
})
