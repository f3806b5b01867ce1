// P9 and P11: messages that wait for their eta, and queues shared with a stock Celery worker, which recovers by its
// own rules (`unacked` and a visibility timeout) what a dead worker held, on either side.
import { chain, chord } from 'lovage'
import { until } from '../../support/until.js'
import { distinct } from '../support/ledger.js'
import { type FaultCase, lease, peerConcurrency, range, type Scene, type Size } from '../support/scene.js'

const many = 20
/** Seconds; of the Python worker and of ours. */
const visibilityOf = (size: Size): number => (size === 'full' ? 5 : 3)

/** Each was run once, and none before its time. */
const judgeEtas = (
  scene: Scene,
  what: string,
  ids: readonly string[],
  dueMs: number,
  missing: number,
): void => {
  const { ledger, report } = scene
  const starts = ledger.starts().filter(({ id }) => ids.includes(id))
  const early = starts.filter(({ at }) => at < dueMs).length
  report.count(`executions, ${what}`, starts.length)
  report.must(`${ids.length} executions, ${what}`, starts.length === ids.length && missing === 0)
  report.must(`none before its time, ${what}`, early === 0)
}

const sendLater = async (scene: Scene, queue: string, eta: Date): Promise<readonly string[]> => {
  const { nap } = scene.client(queue)
  const results = await Promise.all(range(many).map((value) => nap.applyAsync([value, 10], { eta })))
  return results.map(({ id }) => id)
}

/** On an own queue: past two leases, with one of two workers killed. */
const own = async (scene: Scene, etaSeconds: number): Promise<void> => {
  const queue = 'later'
  const [victim] = await Promise.all(range(2).map(() => scene.worker({ queues: [queue] })))
  const eta = new Date(Date.now() + etaSeconds * 1000)
  const ids = await sendLater(scene, queue, eta)
  await until(async () => (await scene.outside.zcard(`lovage:eta:${queue}`)) === many)
  await scene.kill(victim as NonNullable<typeof victim>)
  const missing = await scene.finished(ids, etaSeconds * 1000 + 20_000)
  judgeEtas(scene, 'own queue', ids, eta.getTime(), missing.length)
}

/** On a queue that a Celery worker consumes as well: what it holds in its memory is not given to a second one. */
const withPeer = async (scene: Scene, etaSeconds: number, visibilityTimeout: number): Promise<void> => {
  const { report, ledger } = scene
  const queue = 'later-shared'
  const mine = { queues: [queue], shared: [queue], visibilityTimeout }
  const [peer, ours] = await Promise.all([scene.python(queue, visibilityTimeout), scene.worker(mine)])
  const eta = new Date(Date.now() + etaSeconds * 1000)
  const ids = await sendLater(scene, queue, eta)
  const missing = await scene.finished(ids, etaSeconds * 1000 + 20_000)
  // Whoever had a second copy in its memory would run it now.
  await scene.quiet()
  const byPeer = ledger.starts().filter(({ id, pid }) => ids.includes(id) && pid === peer.pid).length
  report.count('of them by the Celery worker', byPeer)
  judgeEtas(scene, 'shared queue', ids, eta.getTime(), missing.length)
  await peer.stop()
  await scene.stop(ours)
}

export const p9: FaultCase = {
  name: 'P9',
  title: '20 tasks with an eta, on an own queue and on one shared with a Celery worker',
  play: async (scene, size) => {
    const visibilityTimeout = visibilityOf(size)
    const [first, second] = size === 'full' ? [60, 60] : [2.5 * lease, 3 * visibilityTimeout]
    scene.report.inject(`eta ${first} s, leases of ${lease} s, one of two workers killed`)
    scene.report.inject(
      `eta ${second} s beside a Celery worker with a visibility timeout of ${visibilityTimeout} s`,
    )
    await Promise.all([own(scene, first), withPeer(scene, second, visibilityTimeout)])
    await scene.settle()
  },
}

/** Plain tasks, chains and a chord. */
const sendAll = async (scene: Scene, queue: string, size: Size) => {
  const { nap, add, total } = scene.client(queue)
  const [plain, chains] = size === 'full' ? [40, 10] : [12, 3]
  const results = await Promise.all([
    ...range(plain).map((value) => nap.delay(value, 300)),
    ...range(chains).map((value) => chain(nap.s(value, 100), add.s(1, 100), add.s(1)).delay()),
    chord(
      range(6).map((value) => nap.s(value, 300)),
      total.s(),
    ).delay(),
  ])
  const expected = [...range(plain), ...range(chains).map((value) => value + 2), 15]
  return { ids: results.map(({ id }) => id), expected }
}

type Sent = Awaited<ReturnType<typeof sendAll>>

const judge = async (scene: Scene, side: string, { ids, expected }: Sent): Promise<void> => {
  const missing = await scene.finished(ids, 60_000)
  const metas = await scene.results(ids)
  const right = metas.filter(
    (meta, index) => meta?.status === 'SUCCESS' && meta.result === expected[index],
  ).length
  const ran = scene.ledger.ends().map(({ id }) => id)
  scene.report.count(`with their result, ${side}`, `${right} of ${ids.length}`)
  scene.report.count(`runs, ${side}`, `${ran.length} of ${distinct(ran)} tasks`)
  scene.report.must(
    `all are executed and every canvas completes, ${side}`,
    right === ids.length && missing.length === 0,
  )
}

/** Ours dies, and Celery is alone: it finds what we held by its own recovery. */
const oursDies = async (scene: Scene, size: Size): Promise<void> => {
  const queue = 'shared-1'
  const visibilityTimeout = visibilityOf(size)
  const sent = await sendAll(scene, queue, size)
  const ours = await scene.worker({ queues: [queue], shared: [queue], visibilityTimeout, concurrency: 8 })
  await scene.ended(scene.random.whole(1, 8))
  await scene.kill(ours)
  const held = await scene.outside.hlen('unacked')
  scene.report.inject(`SIGKILL of our worker, which held ${held}; then only a Celery worker`)
  scene.report.must('it held some', held > 0)
  const peer = await scene.python(queue, visibilityTimeout)
  await judge(scene, 'ours killed', sent)
  await peer.stop()
}

/** Celery's dies, and we are alone. */
const theirsDies = async (scene: Scene, size: Size): Promise<void> => {
  const queue = 'shared-2'
  const visibilityTimeout = visibilityOf(size)
  const sent = await sendAll(scene, queue, size)
  const before = scene.ledger.ends().length
  const peer = await scene.python(queue, visibilityTimeout)
  await scene.ended(before + scene.random.whole(1, 8))
  // Not between BRPOP and the record in `unacked`: what Celery loses there nobody can bring back.
  await until(async () => (await scene.outside.hlen('unacked')) === peerConcurrency, { interval: 1 })
  peer.signal('SIGKILL')
  await peer.exited
  const held = await scene.outside.hlen('unacked')
  scene.report.inject(`SIGKILL of a Celery worker, which held ${held}; then only ours`)
  scene.report.must('it held some', held > 0)
  await scene.worker({ queues: [queue], shared: [queue], visibilityTimeout })
  await judge(scene, 'Celery’s killed', sent)
}

export const p11: FaultCase = {
  name: 'P11',
  title: 'a queue shared with Celery: the worker of one side killed, the other side alone',
  play: async (scene, size) => {
    await oursDies(scene, size)
    await theirsDies(scene, size)
    await scene.settle()
  },
}
