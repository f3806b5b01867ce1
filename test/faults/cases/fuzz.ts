// Mutated messages through a shipped worker, with good ones among them; and nonsense in the ears of those who wait
// for results and for remote control. What became of each message is counted one by one.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chain, chord } from 'lovage'
import { until } from '../../support/until.js'
import { Census } from '../support/census.js'
import { capturedMessages, mutate } from '../support/mutate.js'
import { hostileRequest, hostileResult } from '../support/noise.js'
import type { Random } from '../support/random.js'
import type { FaultCase, Scene, Size } from '../support/scene.js'

const perBatch = 500
/** Of nonsense beside a batch, on each of two channels. */
const perNoise = 10
/** What stands still does so for ever, or for a lease; a busy machine is only slow. */
const stallOf = (size: Size): number => (size === 'full' ? 2000 : 12_000)

/** MiB of memory that a process holds. */
const residentOf = (pid: number): number => {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return Math.round((pages * 4096) / 2 ** 20)
}

export const fuzz: FaultCase = {
  name: 'fuzz',
  title: 'mutated messages: bytes flipped, truncated, nested, huge, hostile, bombs',
  play: async (scene, size) => {
    const { report, outside, random } = scene
    const total = size === 'full' ? 100_000 : 3000
    const client = scene.client()
    // What they send goes where they came from.
    const seeds = [...capturedMessages(), ...(await ours(scene))]
      .map((raw) => raw.replaceAll(/"(celery|bait)"/g, '"faults"'))
      .map(outspoken)
    const worker = await scene.worker({ concurrency: 20 })
    const pid = worker.child.pid as number

    let slowest = 0
    let wrong = 0
    let early = 0
    let published = 0
    const census = new Census(scene, 'faults')
    for (let sent = 0; sent < total; sent += perBatch) {
      const raws = Array.from({ length: perBatch }, () => mutate(renamed(random.pick(seeds)), random))
      await outside.lpush('faults', ...raws)
      await until(async () => (await outside.llen('faults')) < perBatch / 2, { timeout: 60_000, interval: 2 })
      const good = await client.add.delay(sent, 1)
      const noise = nonsense(outside, good.id, random)
      published += 2 * perNoise
      const startedAt = performance.now()
      if ((await good.get({ timeout: 60 })) !== sent + 1) wrong += 1
      slowest = Math.max(slowest, performance.now() - startedAt)
      await noise
      await census.take(raws.map((raw) => Buffer.from(raw)))
      if (sent < total / 5) early = residentOf(pid)
    }
    // Some try again each second for ever (celery.chord_unlock): between two tries nothing is there.
    const isEmpty = async () => (await outside.llen('faults')) + (await held(outside)) === 0
    const emptied = await until(isEmpty, { timeout: 60_000 }).catch(() => false)
    const late = residentOf(pid)
    const { dead, result, ended, deferred } = census.counted

    report.inject(
      `${total} messages mutated from ${seeds.length} captured ones, a good one behind each ${perBatch}`,
    )
    report.inject(`${published} nonsensical publications on channels of results and of remote control`)
    report.count('dead letters', dead)
    report.count('results', result)
    report.count('ended without a result that is kept', ended)
    report.count('waiting for an eta or another try', deferred)
    report.count('slowest good task', `${Math.round(slowest)} ms`)
    report.count('memory', `${early} MiB after a fifth, ${late} MiB at the end`)
    report.must('the worker lives', worker.child.exitCode === null && worker.child.signalCode === null)
    report.must('every good task has its right result', wrong === 0)
    const stallMs = stallOf(size)
    report.must(`none waits longer than ${stallMs} ms behind half a batch`, slowest < stallMs)
    const lost = census.missing.map((raw) => JSON.stringify(raw.toString('latin1').slice(0, 1000)))
    report.must(
      `each message is accounted for${lost.length > 0 ? `, but ${lost.length} are not: ${lost.slice(0, 3).join('\n')}` : ''}`,
      lost.length === 0 && dead + result + ended + deferred === total,
    )
    report.must('nothing waits and nothing is held', emptied)
    report.must('memory stays flat', late < early * 1.5 + 60)
    report.must('prototypes are as they were', !('polluted' in {}))
    await outside.flushall()
    await scene.stop(worker)
  },
}

/** What our own client writes: plain calls, and what brings others along. */
const ours = async (scene: Scene): Promise<readonly string[]> => {
  const { app, add, total, nap, tell, refuse, stubborn } = scene.client('bait')
  for (let i = 0; i < 20; i += 1)
    await add.applyAsync([i, 1], { ignoreResult: i % 2 === 0, headers: { x: i } })
  for (let i = 0; i < 5; i += 1) {
    await chain(add.s(i, 1), add.s(2), add.s(3)).delay()
    await chord([add.s(i, 1), nap.s(i, 0)], total.s()).delay()
    await add.applyAsync([i, 1], { link: add.s(1), linkError: tell.s(), expires: 3600, priority: i })
    await refuse.applyAsync([i, 0], { linkError: tell.s() })
    await stubborn.applyAsync([i, 2, 0])
    await add.applyAsync([i, 1], { expires: new Date(0) })
  }
  await app.close()
  const lists = await scene.outside.keys('bait*')
  const raws = (await Promise.all(lists.map((list) => scene.outside.lrange(list, 0, -1)))).flat()
  await scene.outside.del(...lists)
  return raws
}

/** Of a task that is no program's (celery.chord_unlock) the ledger does not know every end: its result is kept. */
const outspoken = (raw: string): string =>
  /"task": ?"celery\./.test(raw) ? raw.replaceAll(/"ignore_result": ?true/g, '"ignore_result": false') : raw

/** The same message under an id of its own. */
const renamed = (seed: string): string => {
  try {
    const { id } = (JSON.parse(seed) as { headers: { id: unknown } }).headers
    return typeof id === 'string' && id !== '' ? seed.replaceAll(id, randomUUID()) : seed
  } catch {
    return seed
  }
}

type Outside = Scene['outside']

/** Messages in the hands of consumers. */
const held = async (outside: Outside): Promise<number> => {
  const keys = await outside.keys('lovage:unacked:*')
  const fields = await Promise.all(keys.map((key) => outside.hkeys(key)))
  return fields.flat().filter((field) => /^\d/.test(field)).length
}

const nonsense = async (outside: Outside, id: string, random: Random): Promise<void> => {
  for (let i = 0; i < perNoise; i += 1) {
    await outside.publish(`celery-task-meta-${id}`, hostileResult(id, random))
    await outside.publish('/0.celery.pidbox', hostileRequest(random))
  }
}
