// Keys and rates: what waits for its turn waits in Redis, and turns are kept whoever dies.
import { distinct, type Entry, publishedTwice } from '../support/ledger.js'
import { type FaultCase, range, type Scene } from '../support/scene.js'

const keys = 20
/** Starts in a second that `paced` may have in all workers together. */
const pace = 50

/** Who was killed, and when the signal was sent: what it ran has ended by then, or never will. */
type Deaths = ReadonlyMap<number, number>

const keyOf = (value: number): string => `k${value % keys}`

/** Starts that came while another message of their key ran, in words. */
const overlaps = (entries: readonly Entry[], deaths: Deaths): readonly string[] => {
  const running = new Map<string, Entry>()
  const found: string[] = []
  for (const entry of entries) {
    const line = `${entry.task} ${String(entry.args?.[0])}`
    if (entry.what === 'end') {
      for (const [key, { id, pid }] of running) if (id === entry.id && pid === entry.pid) running.delete(key)
      continue
    }
    const before = running.get(line)
    const diedAt = before === undefined ? undefined : deaths.get(before.pid)
    if (before !== undefined && (diedAt === undefined || diedAt > entry.at))
      found.push(`${line}: ${entry.id} began while ${before.id} ran`)
    running.set(line, entry)
  }
  return found
}

/** Messages that began before one that was sent earlier with the same key. */
const outOfOrder = (starts: readonly Entry[]): number => {
  const latest = new Map<unknown, number>()
  const seen = new Set<string>()
  let wrong = 0
  for (const { id, args } of starts) {
    if (seen.has(id)) continue
    seen.add(id)
    const [key, value] = args as readonly [string, number]
    if ((latest.get(key) ?? -1) > value) wrong++
    latest.set(key, Math.max(value, latest.get(key) ?? -1))
  }
  return wrong
}

/** Three workers; each in its turn is killed or told to go, and another one takes its place. */
const disturb = async (scene: Scene, many: number, times: number): Promise<Deaths> => {
  const { ledger, random, report } = scene
  const deaths = new Map<number, number>()
  const start = () => scene.worker({ concurrency: 5 })
  let workers = await Promise.all(range(3).map(start))
  const ways: string[] = []
  for (let time = 0; time < times; time++) {
    const done = ledger.ends().length
    await scene.ended(Math.min(many, done + random.whole(1, Math.ceil(many / (times + 1)))))
    const victim = workers[time % workers.length] as (typeof workers)[number]
    // Most often the worst; an operator's ways must not take part in it either.
    const way = random.pick(['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGQUIT'] as const)
    ways.push(way)
    // At a QUIT it gives back what runs, and its code is heard no more.
    if (way !== 'SIGTERM') deaths.set(victim.pid, Date.now())
    if (way === 'SIGKILL') await scene.kill(victim)
    else await scene.stop(victim, way)
    const next = await start()
    workers = workers.map((worker) => (worker === victim ? next : worker))
  }
  report.inject(`one of three workers (concurrency 5) ended ${times} times, and replaced: ${ways.join(' ')}`)
  return deaths
}

export const waiting: FaultCase = {
  name: 'waiting',
  title: 'keys of one at a time and rates, workers killed at random',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [many, ms, times] = size === 'full' ? [500, 25, 12] : [200, 15, 4]
    const { keyed, loose, both, paced } = scene.client()
    const few = range(many / 5)
    const sent = await Promise.all([
      ...range(many).map((value) => keyed.delay(keyOf(value), value, ms)),
      ...few.map((value) => loose.delay(keyOf(value), value, ms)),
      ...few.map((value) => both.delay(keyOf(value), value, ms)),
      ...few.map((value) => paced.delay(value)),
    ])
    const ids = sent.map(({ id }) => id)
    const deaths = await disturb(scene, ids.length, times)
    const missing = await scene.finished(ids, 60_000)
    const metas = await scene.results(ids)
    const starts = ledger.starts()
    const extra = starts.length - distinct(starts.map(({ id }) => id))
    const clashes = overlaps(
      ledger.entries.filter(({ task }) => task !== 'paced'),
      deaths,
    )
    const at = ledger.starts('paced').map((entry) => entry.at)
    const seconds = (Math.max(...at) - Math.min(...at)) / 1000
    report.count('messages', ids.length)
    report.count('extra starts', extra)
    report.count('starts that came while their key was taken', clashes.length)
    report.count(`${at.length} starts at ${pace}/s took`, `${seconds.toFixed(1)} s`)
    report.must('all end', missing.length === 0)
    report.must(
      'each with its result',
      metas.filter((meta) => meta?.status === 'SUCCESS').length === ids.length,
    )
    report.must(
      `at most one at once of each key${clashes[0] === undefined ? '' : `, but ${clashes[0]}`}`,
      clashes.length === 0,
    )
    report.must('in order of sending for each key', outOfOrder(ledger.starts('keyed')) === 0)
    report.must('the same below a rate', outOfOrder(ledger.starts('both')) === 0)
    report.must('no more starts than the rate allows', seconds >= (at.length - 1) / pace - 0.5)
    report.must(`extra starts ≤ concurrency × kills (${5 * deaths.size})`, extra <= 5 * deaths.size)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
