// P1, P2, P3: workers are killed (SIGKILL) under plain tasks, and started again or not.
import { distinct, publishedTwice } from '../support/ledger.js'
import { type FaultCase, lease, range, type Scene, type Size } from '../support/scene.js'

/** What is true of plain tasks whatever happened to their workers. */
const judge = async (scene: Scene, ids: readonly string[], mostExtra: number): Promise<void> => {
  const { ledger, report } = scene
  const missing = await scene.finished(ids)
  const metas = await scene.results(ids)
  const right = metas.filter((meta, index) => meta?.status === 'SUCCESS' && meta.result === index).length
  const starts = ledger.starts()
  const extra = starts.length - distinct(starts.map(({ id }) => id))
  const ended = distinct(ledger.ends().map(({ id }) => id))
  report.count('tasks', ids.length)
  report.count('with their result', right)
  report.count('lost', missing.length)
  report.count('ended, says the ledger', ended)
  report.count('starts', starts.length)
  report.count('extra starts', extra)
  report.must(
    '0 lost: every task has its result, and its end in the ledger',
    right === ids.length && ended === ids.length,
  )
  report.must(`extra starts ≤ concurrency × kills (${mostExtra})`, extra <= mostExtra)
  report.must('no message was published twice', publishedTwice(starts) === 0)
}

const send = async (scene: Scene, many: number, ms: number): Promise<readonly string[]> => {
  const { nap } = scene.client()
  const results = await Promise.all(range(many).map((value) => nap.delay(value, ms)))
  return results.map(({ id }) => id)
}

const restarted = async (scene: Scene, many: number, ms: number, kills: number, concurrency: number) => {
  const { report, random, ledger } = scene
  const ids = await send(scene, many, ms)
  const when: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    const worker = await scene.worker({ concurrency })
    // Anywhere, and spread over what is left, so that every kill meets work.
    const left = many - ledger.ends().length
    await scene.ended(
      ledger.ends().length + random.whole(1, Math.max(1, Math.floor((1.6 * left) / (kills - kill + 1)))),
    )
    await scene.kill(worker)
    when.push(ledger.ends().length)
  }
  report.inject(`${kills} × SIGKILL of the only worker (concurrency ${concurrency}), started again each time`)
  report.inject(`after ${when.join(', ')} ends`)
  await scene.worker({ concurrency })
  await judge(scene, ids, concurrency * kills)
  await scene.settle()
}

export const p1: FaultCase = {
  name: 'P1',
  title: 'SIGKILL of the whole worker under 200 tasks of 0.2 s, started again',
  play: (scene, size) =>
    size === 'full' ? restarted(scene, 200, 200, 3, 10) : restarted(scene, 40, 200, 1, 10),
}

export const p2: FaultCase = {
  name: 'P2',
  title: '20 × SIGKILL under 2 000 tasks of 10 ms',
  play: (scene, size) =>
    size === 'full' ? restarted(scene, 2000, 10, 20, 10) : restarted(scene, 300, 10, 3, 10),
}

/** What it may take beyond the lease: two seconds, and in the short form as much as a busy machine needs. */
const graceOf = (size: Size): number => (size === 'full' ? 2 : 12)

/** One of two is killed and stays dead. */
const survivor = async (scene: Scene, leaseSeconds: number, graceSeconds: number): Promise<void> => {
  const { report, random, ledger } = scene
  const concurrency = 10
  const ms = 100
  const ids = await send(scene, 60, ms)
  const [victim] = await Promise.all(range(2).map(() => scene.worker({ concurrency, lease: leaseSeconds })))
  await scene.ended(random.whole(1, 30))
  const killedAt = Date.now()
  await scene.kill(victim as NonNullable<typeof victim>)
  await scene.finished(ids, leaseSeconds * 1000 + 20_000)
  const last = ledger.ends().reduce((latest, { at }) => Math.max(latest, at), 0)
  const seconds = (last - killedAt) / 1000
  report.inject(
    `SIGKILL of one of two workers (concurrency ${concurrency}, lease ${leaseSeconds} s), not started again`,
  )
  report.count('last task ended after the kill', `${seconds.toFixed(1)} s`)
  await judge(scene, ids, concurrency)
  const most = leaseSeconds + graceSeconds
  report.must(`the last task ends within lease + ${graceSeconds} s (${most} s)`, seconds <= most)
  await scene.settle()
}

export const p3: FaultCase = {
  name: 'P3',
  title: 'one of two workers killed, not started again',
  play: (scene, size) => survivor(scene, lease, graceOf(size)),
}

export const p3Default: FaultCase = {
  name: 'P3-default',
  title: 'the same with the default settings (a lease of 20 s)',
  play: (scene, size) => survivor(scene, size === 'full' ? 20 : lease, graceOf(size)),
}
