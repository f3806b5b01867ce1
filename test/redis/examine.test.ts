// What `lovage doctor` says of things that a test cannot bring about on a real Redis: a clock that is off, a server far
// away, memory that is nearly used up, a chord of which nothing was heard for hours.
import { Redis } from 'ioredis'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { examine } from '../../src/redis/examine.js'
import { Keys } from '../../src/redis/keys.js'
import type { Reply } from '../../src/redis/link.js'
import { startRedis } from '../support/redis.js'

const redis = await startRedis()
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
  const examination = { ask, keys: new Keys('', ''), queues: ['celery'], visibilityTimeout: 3600, chords }
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
      mend: expect.stringContaining('chronyc makestep'),
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
    { level: 'error', mend: expect.stringContaining('CONFIG SET maxmemory') },
  ])
})

it('a chord of which nothing was heard for hours; one that is at work is none', async () => {
  await client.zadd('celery-taskset-meta-slow.j', 1, 'part')
  const idle: Told = (command, _args, reply) => (command === 'object' ? 7200 : reply)
  expect(await found('chords', idle)).toMatchObject([
    { level: 'warning', says: expect.stringContaining('celery-taskset-meta-slow.j') },
  ])
  expect(await found('chords', asItIs)).toMatchObject([{ level: 'ok' }])
  expect(await found('chords', idle, false)).toMatchObject([
    { level: 'ok', says: expect.stringContaining('another database') },
  ])
})
