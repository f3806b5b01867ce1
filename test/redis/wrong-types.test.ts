// Somebody puts another type under a name of ours: a worker says once which key it is, goes on with everything that does
// not need it, and with the rest when the key is gone. Nothing is lost in between.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, expect, it } from 'vitest'
import { type App, chain, chord, createApp } from '../../src/index.js'
import { createLogger } from '../../src/log.js'
import { separator } from '../../src/redis/keys.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { keyTable } from './key-table.js'

const redis = await startRedis({ own: true })
const apps: App[] = []
const clients: Redis[] = []
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()))
  for (const client of clients) client.disconnect()
})

/** Of one app; a name in the table stands for that of its queue, or of its task. */
const names = {
  redo: ['lovage:redo:<queue>'],
  eta: ['lovage:eta:<queue>'],
  others: [
    '<queue>\x06\x16<3|6|9>',
    'lovage:limited:<queue>',
    'lovage:gated:<queue>',
    'lovage:waiters:<queue>',
    '_kombu.binding.<exchange>',
    'unacked',
    'unacked_index',
    'lovage:consumers',
    'lovage:dead',
    'lovage:revoked',
    'lovage:revoked:stamps',
    'lovage:orphans',
    'lovage:orphans:look',
    'lovage:errands',
    'lovage:outbox',
    'lovage:outbox:facts',
  ],
  /** Not looked at by workers each second: there may be many. That something is wrong with one is told, and where to look. */
  unnamed: ['lovage:parked:<queue>\x06\x16<task>', 'lovage:gate:<task>:<key>', 'lovage:line:<task>:<key>'],
}
/** Who puts another type there has read the name, which has an id in it; or it is a purge's, a beat's, a sender's own. */
const ofOneId =
  /<id>|<task id>|<group id>|<graph>|<stage>|<consumer>|<sender>|<key of|^lovage\.purged|:beat:|courier|counted/

it('the table of keys has no other', () => {
  const known = new Set<string>([...Object.values(names).flat(), '<queue>', 'lovage:rate:<task>'])
  expect(keyTable.map(({ name }) => name).filter((name) => !known.has(name) && !ofOneId.test(name))).toEqual(
    [],
  )
})

const keyOf = (name: string): string =>
  name
    .replace(/<queue>|<exchange>/, 'celery')
    .replace('<3|6|9>', '3')
    .replace('<task>:<key>', 't.keyed:a')
    .replace('<task>', 't.limited')

it.each(Object.entries(names))('%s', { timeout: 60_000 }, async (group, wrong) => {
  const url = redis.database(Object.keys(names).indexOf(group))
  const client = new Redis(url)
  clients.push(client)
  const said: string[] = []
  const log = createLogger({ level: 'INFO', write: (line) => void said.push(line) })
  const app = createApp('t', { broker: url, resultBackend: url })
  apps.push(app)
  const again = app.task(
    't.again',
    function (this: { request: { retries: number }; retry: (o: object) => Error }) {
      if (this.request.retries === 0) throw this.retry({ countdown: 0.05 })
      return 'again'
    },
  )
  const limited = app.task('t.limited', () => 'limited', { rateLimit: '50/s' })
  const keyed = app.task('t.keyed', async (_key: string) => sleep(10, 'keyed'), {
    concurrencyKey: (key) => key,
  })
  const add = app.task('t.add', (a: number, b: number) => a + b)
  const sum = app.task('t.sum', (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0))
  const worker = app.worker({ concurrency: 4, log })
  await worker.start()

  const keys = wrong.map(keyOf)
  const isText = (name: string): boolean => keyTable.find((fact) => fact.name === name)?.type === 'string'
  for (const [index, name] of wrong.entries()) {
    const key = keys[index] as string
    await client.del(key)
    await (isText(name) ? client.rpush(key, 'a list') : client.set(key, 'a text'))
  }
  const later = [
    again.delay(),
    ...[1, 2, 3, 4].map(() => limited.delay()),
    ...[1, 2, 3].map(() => keyed.delay('a')),
    add.applyAsync([1, 2], { countdown: 0.1 }),
  ]
  await client.lpush('celery', 'no message')
  // What needs none of them goes on.
  const flow = chord([add.s(1, 1), add.s(2, 2)], sum.s())
  expect(await chain(add.s(1, 2), add.s(3)).delay().get({ timeout: 20 })).toBe(6)
  expect(await flow.delay().get({ timeout: 20 })).toBe(6)

  const told = (words: string) => said.filter((line) => line.includes(words))
  const sentences =
    group === 'unnamed'
      ? ['Messages of queue "celery" at']
      : keys.map((key) => `The key "${key.replace(separator, '\\x06\\x16')}" at`)
  await until(() => sentences.every((words) => told(words).length > 0), {
    timeout: 20_000,
    message: () => `Not told: ${sentences.filter((words) => told(words).length === 0).join(', ')}`,
  })
  await client.del(...keys)
  const done = await Promise.all(later.map(async (each) => (await each).get({ timeout: 20 })))
  expect(done).toEqual(['again', ...Array(4).fill('limited'), ...Array(3).fill('keyed'), 3])
  expect(await add.delay(2, 2).get({ timeout: 20 })).toBe(4)
  for (const words of sentences) {
    expect(told(words)).toHaveLength(1)
    expect(told(words)[0]).toMatch(
      /holds something else.*: remove it\.|holds something else\. Remove the key/,
    )
  }
  const others = told('ERROR').filter((line) => !/The key|of queue "?celery|lease was lost/.test(line))
  expect(others).toEqual([])
  await worker.stop()
})
