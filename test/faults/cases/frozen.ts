// P6: a worker is frozen past its lease while a rival does its work, and then wakes up.
import { chain } from 'lovage'
import { until } from '../../support/until.js'
import { publishedTwice } from '../support/ledger.js'
import { type Call, type Fate, Proxy } from '../support/proxy.js'
import { type FaultCase, inParallel, range, type Scene } from '../support/scene.js'

const many = 8

/** When it freezes: while its tasks run; with a completion on its way; with the answer to one on its way. */
const moments = ['running', 'sent', 'answered'] as const
type Moment = (typeof moments)[number]

const round = async (scene: Scene, moment: Moment): Promise<readonly string[]> => {
  const { ledger, report } = scene
  const queue = `frozen-${moment}`
  const { nap, add } = scene.client(queue)
  const labels = range(many).map((value) => 1000 * (moments.indexOf(moment) + 1) + value)
  // Who is frozen while they run has not come to their end, however late he is.
  const ms = moment === 'running' ? 1500 : 300
  const results = await Promise.all(labels.map((label) => chain(nap.s(label, ms), add.s(0)).delay()))
  const ids = results.map(({ id }) => id)
  const mine = () =>
    ledger.entries.filter(({ args, value }) => labels.includes((args?.[0] ?? value) as number))

  let freeze: () => void = () => undefined
  let thaw: () => void = () => undefined
  const frozen = new Promise<void>((resolve) => {
    freeze = resolve
  })
  const thawed = new Promise<void>((resolve) => {
    thaw = resolve
  })
  const hold = ({ what }: Call): Fate => {
    if (what !== 'completion') return 'pass'
    freeze()
    return thawed
  }
  const proxy = await Proxy.open(scene.redis.url, {
    ...(moment === 'sent' && { onCall: hold }),
    ...(moment === 'answered' && { onAnswer: hold }),
  })
  const sleeper = await scene.worker({ queues: [queue], concurrency: many, url: proxy.url })
  if (moment === 'running') await until(() => mine().length >= many)
  else await frozen
  sleeper.signal('SIGSTOP')
  const rival = await scene.worker({ queues: [queue], concurrency: many })
  const missing = await scene.finished(ids)
  sleeper.signal('SIGCONT')
  thaw()

  const wrong: string[] = []
  if (missing.length > 0) wrong.push(`${missing.length} chains never ended`)
  // It is awake and takes part again: with the rival gone, new work is its own.
  await scene.stop(rival)
  const { id } = await nap.delay(labels.length, 1)
  if ((await scene.finished([id])).length > 0) wrong.push('the woken worker does no work')
  const ran = (task: string, pid: number) =>
    mine().filter((entry) => entry.what === 'end' && entry.task === task && entry.pid === pid).length
  if (moment === 'running') await until(() => ran('nap', sleeper.pid) === many)
  const both = `${ran('nap', sleeper.pid)} by the sleeper, ${ran('nap', rival.pid)} by its rival`
  report.count(`first steps that ended, frozen ${moment}:`, both)
  if (moment !== 'answered' && ran('nap', rival.pid) < many) wrong.push('the rival did not have to do it all')
  const next = mine().filter(({ what, task }) => what === 'start' && task === 'add').length
  if (next !== many) wrong.push(`${next} next steps ran instead of ${many}`)
  const twice = publishedTwice(mine().filter(({ what }) => what === 'start'))
  if (twice > 0) wrong.push(`${twice} messages were published twice`)
  const metas = await scene.results(ids)
  const right = metas.filter(
    (meta, index) => meta?.status === 'SUCCESS' && meta.result === labels[index],
  ).length
  if (right !== many) wrong.push(`${right} of ${many} results are right`)
  await scene.stop(sleeper)
  proxy.close()
  return wrong.map((what) => `frozen ${moment}: ${what}`)
}

export const p6: FaultCase = {
  name: 'P6',
  title: 'SIGSTOP past the lease while a rival does the work, then SIGCONT',
  play: async (scene) => {
    const { report } = scene
    report.inject(`SIGSTOP under ${many} chains of two, a rival to the end, SIGCONT, the rival leaves`)
    report.inject(`frozen ${moments.join('; ')} (a task; its completion to Redis; the answer to it)`)
    const wrong: string[] = []
    await inParallel(3, moments, async (moment) => void wrong.push(...(await round(scene, moment))))
    const claim = 'late completions are refused: each next step runs once, and the sleeper works again'
    report.must(wrong.length === 0 ? claim : `${claim}; but ${wrong.join(', ')}`, wrong.length === 0)
    await scene.settle()
  },
}
