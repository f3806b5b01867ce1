// Messages on one server, results on another. What carries results from the one to the other is killed at each point of
// it, and each of the two servers is away for a while: every result arrives, and is told once.
import { setTimeout as sleep } from 'node:timers/promises'
import { chain, chord } from 'lovage'
import { Redis } from 'ioredis'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import type { Running } from '../../support/processes.js'
import { insist } from '../support/insist.js'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type Call, type Fate, Proxy } from '../support/proxy.js'
import { type Client, type FaultCase, range, type Scene } from '../support/scene.js'

const saved = ['--appendonly', 'yes', '--appendfsync', 'always']

/** Results have been written over there, and lie in the outbox still: the instant between the two. */
const between = { what: 'delivery', moment: 'answered' } as const
const points = [
  between,
  { what: 'delivery', moment: 'sent' },
  { what: 'unload', moment: 'sent' },
  { what: 'unload', moment: 'answered' },
] as const

/** Resolves when the worker is dead: it was killed at this point of the first load that it carried. */
const killAt = async (scene: Scene, { what, moment }: (typeof points)[number]): Promise<void> => {
  let worker: Running | undefined
  const strike = (call: Call): Fate => {
    if (call.what !== what) return 'pass'
    worker?.signal('SIGKILL')
    return 'drop'
  }
  const hooks = moment === 'sent' ? { onCall: strike } : { onAnswer: strike }
  const [here, there] = [await Proxy.open(scene.redis.url, hooks), await Proxy.open(scene.backend, hooks)]
  worker = scene.launch({ concurrency: 4, url: here.url, backend: there.url })
  const patience = setTimeout(() => worker?.signal('SIGTERM'), 60_000)
  const { signal } = await worker.exited
  clearTimeout(patience)
  for (const proxy of [here, there]) proxy.close()
  if (signal !== 'SIGKILL') throw new Error(`no ${what} was ${moment}: ${worker.output()}`)
}

/** Gone, and back when `meanwhile` is over. */
const away = async (server: TestRedis, meanwhile: () => Promise<unknown>): Promise<void> => {
  await server.stop({ hard: true })
  await meanwhile()
  await server.restart({ hard: true })
}

/** How often the end of each task was told to those who wait, as far as somebody listened. */
const listenTo = async (
  url: string,
): Promise<{ readonly told: Map<string, number>; readonly stop: () => void }> => {
  const told = new Map<string, number>()
  const listener = new Redis(url, { retryStrategy: () => 50 })
  listener.on('error', () => undefined)
  listener.on('pmessage', (_pattern, channel, text) => {
    if (/^\{"status": "(SUCCESS|FAILURE)"/.test(text)) told.set(channel, (told.get(channel) ?? 0) + 1)
  })
  await listener.psubscribe('celery-task-meta-*')
  return { told, stop: () => listener.disconnect() }
}

interface Sent {
  readonly id: string
  readonly value: number
  readonly waiting: Promise<unknown>
}

/** Messages of each. */
const messagesOf = { task: 1, chain: 3, chord: 4, retry: 3, grown: 4, moved: 5 }
const kinds = Object.keys(messagesOf).length

/** What each gives, and its handle. */
type Canvases = readonly (readonly [wanted: number, pending: PromiseLike<{ readonly id: string }>])[]

const canvasesOf = ({ nap, add, total, stubborn, grow, leave }: Client, value: number): Canvases => [
  [value, nap.delay(value, 30)],
  [value + 2, chain(nap.s(value, 30), add.s(1, 30), add.s(1)).delay()],
  [value + 2, chord([nap.s(value, 30), nap.s(1, 30), nap.s(1, 30)], total.s()).delay()],
  [value, stubborn.delay(value, messagesOf.retry, 10)],
  [2 * value + 2, chord([grow.s(value), nap.s(1, 30)], total.s()).delay()],
  [value + 2, chord([nap.s(1, 30), leave.s(value), nap.s(1, 30)], total.s()).delay()],
]

/** Messages of each of these. */
const messagesOfMixed = { opened: 4, moved: 5, chain: 4, grown: 4 }

const mixedOf = ({ nap, total, grow, leave, elsewhere }: Client, value: number): Canvases => [
  [value + 2, chord([nap.s(value, 30), elsewhere.s(1), nap.s(1, 30)], total.s()).delay()],
  [value + 2, chord([nap.s(1, 30), leave.s(value), nap.s(1, 30)], total.s()).delay()],
  [value + 1, chord([elsewhere.s(value), chain(nap.s(1, 30), elsewhere.s())], total.s()).delay()],
  [2 * value + 2, chord([grow.s(value), elsewhere.s(1)], total.s()).delay()],
]

const send = (client: Client, canvases: Canvases): Promise<readonly Sent[]> =>
  Promise.all(
    canvases.map(async ([value, pending]) => {
      const { id } = await pending
      return { id, value, waiting: insist(client, id) }
    }),
  )

/** When all has ended. */
const judge = async (
  scene: Scene,
  far: string,
  sent: readonly Sent[],
  total: number,
  told: ReadonlyMap<string, number>,
): Promise<void> => {
  const { report, ledger } = scene
  const missing = await scene.finished(
    sent.map(({ id }) => id),
    90_000,
  )
  await scene.quiet()
  const metas = await scene.results(sent.map(({ id }) => id))
  const isRight = (value: unknown, index: number) => value === sent[index]?.value
  const right = metas.filter(
    (meta, index) => meta?.status === 'SUCCESS' && isRight(meta.result, index),
  ).length
  const got = (await Promise.all(sent.map(({ waiting }) => waiting))).filter(isRight).length
  const starts = ledger.starts()
  const messages = distinct(starts.map(messageOf))
  const twice = [...told.values()].filter((times) => times > 1).length
  report.count('canvases', sent.length)
  report.count('lost', missing.length)
  report.count('messages', messages)
  report.count('starts', starts.length)
  report.count('results told', told.size)
  const there = new Redis(far)
  const counted = await there.keys('lovage:counted:*')
  there.disconnect()
  report.must('chords were counted on the other server', counted.length > 0)
  report.must('0 lost: every result is over there, and right', right === sent.length)
  report.must(
    'every get() returned its result, asked again where it was told that the server is away',
    got === sent.length,
  )
  report.must(`each message was sent once (${total})`, messages === total && publishedTwice(starts) === 0)
  report.must(`no result was told twice${twice > 0 ? `, but ${twice} were` : ''}`, twice === 0)
}

const playedWith =
  (alone: boolean): FaultCase['play'] =>
  async (scene, size) => {
    const { report, ledger, redis } = scene
    scene.alone = alone
    const far = await startRedis({ own: true, args: saved })
    scene.backend = far.url
    scene.atEnd(() => void far.stop({ hard: true }))
    const { told, stop } = await listenTo(far.url)
    scene.atEnd(stop)
    const [many, kills, outages] = size === 'full' ? [40, [...points, ...points], 3] : [8, [between], 1]
    const perValue = Object.values(messagesOf).reduce((sum, messages) => sum + messages, 0)
    const total = many * perValue
    const sent: Sent[] = []
    // A share of the work for each fault.
    const share = Math.ceil(many / (kills.length + outages))
    const sendShare = async () => {
      for (const value of range(Math.min(share, many - sent.length / kinds)))
        sent.push(...(await send(scene.client(), canvasesOf(scene.client(), 100 * (sent.length + value)))))
    }

    for (const point of kills) {
      await sendShare()
      await killAt(scene, point)
    }
    for (const _ of range(2)) await scene.worker({ concurrency: 4 })
    // Only now: whoever is to be killed must be the one who carries.
    await scene.worker({ concurrency: 4, queues: ['others'], knowsOthers: true })
    for (let outage = 0; outage < outages; outage++) {
      await sendShare()
      const before = ledger.ends().length
      const aMoment = () => sleep(scene.random.whole(200, 800))
      // Tasks go on while their results have no place; bodies do not where chords are counted there.
      const goesOn = () => scene.ended(Math.min(total, before + share * 4))
      await away(far, alone ? goesOn : aMoment)
      await away(redis, aMoment)
      // The client is there again.
      await until(() =>
        scene.app
          .broker()
          .then((broker) => broker.length('faults'))
          .then(
            () => true,
            () => false,
          ),
      )
    }
    while (sent.length < kinds * many) await sendShare()

    report.inject(
      `${kills.length} × SIGKILL of the worker that carries: ${[...new Set(kills.map(({ what, moment }) => `${what} ${moment}`))].join(', ')}`,
    )
    report.inject(`${outages} × SIGKILL of the results' server and of the broker's, each back a while later`)
    await judge(scene, far.url, sent, total, told)
    await scene.settle()
  }

export const twoServers: FaultCase = {
  name: 'two-servers',
  title: 'results on another server: killed while they are carried there, and each of the two away',
  redis: saved,
  play: playedWith(true),
}

/** Who sends has not the code, and nothing is said of the queue: for all it knows its chords have parts in Python. */
export const farChords: FaultCase = {
  name: 'far-chords',
  title: 'the same with chords that are counted where the results are',
  redis: saved,
  play: playedWith(false),
}

/** Whoever carries is killed; what Celery holds is not, for that has Celery's guarantees. */
export const mixedChords: FaultCase = {
  name: 'mixed-chords',
  title:
    'chords of Node and Celery on two servers, killed while their parts are carried to where Celery counts them',
  redis: saved,
  play: async (scene, size) => {
    const far = await startRedis({ own: true, args: saved })
    scene.backend = far.url
    scene.atEnd(() => void far.stop({ hard: true }))
    const { told, stop } = await listenTo(far.url)
    scene.atEnd(stop)
    const peer = await scene.python('others', 3600)
    const kills = size === 'full' ? [...points, ...points] : [between]
    const sent: Sent[] = []
    const sendSome = async () => {
      for (const value of range(6))
        sent.push(...(await send(scene.client(), mixedOf(scene.client(), 100 * (sent.length + value)))))
    }
    for (const point of kills) {
      await sendSome()
      await killAt(scene, point)
    }
    for (const _ of range(2)) await scene.worker({ concurrency: 4 })
    await sendSome()
    const perValue = Object.values(messagesOfMixed).reduce((sum, messages) => sum + messages, 0)
    const total = (sent.length / Object.keys(messagesOfMixed).length) * perValue
    scene.report.inject(`${kills.length} × SIGKILL of the worker that carries, beside a Celery worker`)
    await judge(scene, far.url, sent, total, told)
    await peer.stop()
    await scene.settle()
  },
}
