// Chains, retries and early acknowledgement under kills: each edge once, and at most once where it was asked for.
import { chain } from 'lovage'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type FaultCase, range, type Scene } from '../support/scene.js'

const concurrency = 10

/** Kills the only worker again and again, each time after some more ends of about `total`. */
export const killUnder = async (
  scene: Scene,
  kills: number,
  total: number,
  queues?: readonly string[],
): Promise<void> => {
  const { ledger, random, report } = scene
  const when: number[] = []
  const options = queues === undefined ? { concurrency } : { concurrency, queues }
  for (let kill = 0; kill < kills; kill++) {
    const worker = await scene.worker(options)
    const left = total - ledger.ends().length
    const more = random.whole(1, Math.max(1, Math.floor((1.6 * left) / (kills - kill + 1))))
    await scene.ended(Math.min(total, ledger.ends().length + more))
    await scene.kill(worker)
    when.push(ledger.ends().length)
  }
  report.inject(
    `${kills} × SIGKILL of the only worker (concurrency ${concurrency}), after ${when.join(', ')} ends`,
  )
  await scene.worker(options)
}

export const chains: FaultCase = {
  name: 'chain',
  title: 'chains of 10 under kills: each next step once',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const steps = 10
    const [many, kills] = size === 'full' ? [100, 10] : [20, 2]
    const { add } = scene.client()
    const sent = await Promise.all(
      range(many).map((value) => {
        const rest = range(steps - 1).map(() => add.s(1, 5))
        return chain([add.s(value, 1, 5), ...rest]).delay()
      }),
    )
    await killUnder(scene, kills, many * steps)
    const ids = sent.map(({ id }) => id)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    const right = metas.filter(
      (meta, index) => meta?.status === 'SUCCESS' && meta.result === index + steps,
    ).length
    const starts = ledger.starts()
    report.count('chains', many)
    report.count('lost', missing.length)
    report.count('steps', distinct(starts.map(messageOf)))
    report.count('starts', starts.length)
    report.must('0 lost: every chain has its right result', right === many)
    report.must(`each step was sent once (${many * steps})`, distinct(starts.map(messageOf)) === many * steps)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    report.must(
      `extra starts ≤ concurrency × kills (${concurrency * kills})`,
      starts.length - many * steps <= concurrency * kills,
    )
    await scene.settle()
  },
}

export const retries: FaultCase = {
  name: 'retry',
  title: 'tasks that retry three times, under kills: each retry once',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const times = 4
    const [many, kills] = size === 'full' ? [200, 10] : [40, 2]
    const { stubborn } = scene.client()
    const sent = await Promise.all(range(many).map((value) => stubborn.delay(value, times, 5)))
    await killUnder(scene, kills, many * times)
    const ids = sent.map(({ id }) => id)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    const right = metas.filter((meta, index) => meta?.status === 'SUCCESS' && meta.result === index).length
    const starts = ledger.starts()
    report.count('tasks', many)
    report.count('lost', missing.length)
    report.count('tries', distinct(starts.map(messageOf)))
    report.count('starts', starts.length)
    report.must('0 lost: every task has its result', right === many)
    report.must(
      `each was tried ${times} times (${many * times})`,
      distinct(starts.map(messageOf)) === many * times,
    )
    report.must('no retry was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}

export const earlyAcks: FaultCase = {
  name: 'early',
  title: 'tasks that are acknowledged early, under kills: at most once',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [many, kills] = size === 'full' ? [500, 10] : [100, 2]
    const { once } = scene.client()
    const sent = await Promise.all(range(many).map((value) => once.delay(value, 20)))
    await killUnder(scene, kills, many - kills * concurrency)
    const ids = sent.map(({ id }) => id)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    const done = metas.filter((meta, index) => meta?.status === 'SUCCESS' && meta.result === index).length
    const lost = metas.filter(
      (meta) =>
        meta?.status === 'FAILURE' && (meta.result as { exc_type: string }).exc_type === 'WorkerLostError',
    ).length
    const starts = ledger.starts()
    report.count('tasks', many)
    report.count('done', done)
    report.count('WorkerLostError', lost)
    report.count('without an end', missing.length)
    report.count('starts', starts.length)
    report.must('every task is done or known to be lost with its worker', done + lost === many)
    report.must('no task started twice', starts.length === distinct(starts.map(messageOf)))
    report.must(`WorkerLostError ≤ concurrency × kills (${concurrency * kills})`, lost <= concurrency * kills)
    await scene.settle()
  },
}
