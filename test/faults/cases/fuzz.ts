// Mutated messages through a shipped worker, with good ones among them; and nonsense in the ears of those who wait
// for results and for remote control.
import { readFileSync } from 'node:fs'
import { until } from '../../support/until.js'
import { capturedMessages, mutate } from '../support/mutate.js'
import type { FaultCase } from '../support/scene.js'

const perBatch = 500
/** Of nonsense beside a batch, on each of two channels. */
const perNoise = 10
const stallMs = 2000

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
    const seeds = [...capturedMessages(), ...(await ours(scene))]
    const worker = await scene.worker({ concurrency: 20 })
    const pid = worker.child.pid as number

    let slowest = 0
    let wrong = 0
    let early = 0
    let published = 0
    for (let sent = 0; sent < total; sent += perBatch) {
      const raws = Array.from({ length: perBatch }, () => mutate(random.pick(seeds), random))
      await outside.lpush('faults', ...raws)
      await until(async () => (await outside.llen('faults')) < perBatch / 2, { timeout: 60_000, interval: 2 })
      const good = await client.add.delay(sent, 1)
      const noise = nonsense(outside, good.id, random)
      published += 2 * perNoise
      const startedAt = performance.now()
      if ((await good.get({ timeout: 60 })) !== sent + 1) wrong += 1
      slowest = Math.max(slowest, performance.now() - startedAt)
      await noise
      if (sent < total / 5) early = residentOf(pid)
    }
    await until(async () => (await outside.llen('faults')) === 0, { timeout: 60_000 })
    await until(async () => (await held(outside)) === 0, { timeout: 60_000 })
    const late = residentOf(pid)
    const dead = await outside.zcard('lovage:dead')

    report.inject(
      `${total} messages mutated from ${seeds.length} captured ones, a good one behind each ${perBatch}`,
    )
    report.inject(`${published} nonsensical publications on channels of results and of remote control`)
    report.count('dead letters kept', dead)
    report.count('slowest good task', `${Math.round(slowest)} ms`)
    report.count('memory', `${early} MiB after a fifth, ${late} MiB at the end`)
    report.must('the worker lives', worker.child.exitCode === null && worker.child.signalCode === null)
    report.must('every good task has its right result', wrong === 0)
    report.must(`none waits longer than ${stallMs} ms behind half a batch`, slowest < stallMs)
    report.must(
      'nothing waits and nothing is held: all ended in results or dead letters',
      (await outside.llen('faults')) + (await held(outside)) === 0,
    )
    report.must('memory stays flat', late < early * 1.5 + 60)
    report.must('prototypes are as they were', !('polluted' in {}))
    await outside.flushall()
    await scene.stop(worker)
  },
}

/** What our own client writes. */
const ours = async (scene: Parameters<FaultCase['play']>[0]): Promise<readonly string[]> => {
  const bait = scene.client('bait')
  for (let i = 0; i < 20; i += 1)
    await bait.add.applyAsync([i, 1], { ignoreResult: i % 2 === 0, headers: { x: i } })
  const raws = await scene.outside.lrange('bait', 0, -1)
  await scene.outside.del('bait')
  return raws.map((raw) => raw.replaceAll('"bait"', '"faults"'))
}

type Outside = Parameters<FaultCase['play']>[0]['outside']

/** Messages in the hands of consumers. */
const held = async (outside: Outside): Promise<number> => {
  const keys = await outside.keys('lovage:unacked:*')
  const fields = await Promise.all(keys.map((key) => outside.hkeys(key)))
  return fields.flat().filter((field) => /^\d/.test(field)).length
}

const nonsense = async (
  outside: Outside,
  id: string,
  random: Parameters<typeof mutate>[1],
): Promise<void> => {
  const texts = [
    '',
    'null',
    '{',
    '[]',
    '{"status": 1}',
    '{"status": "SUCCESS"}',
    '{"status": "SUCCESS", "result": ',
  ]
  for (let i = 0; i < perNoise; i += 1) {
    await outside.publish(`celery-task-meta-${id}`, random.pick(texts))
    await outside.publish(
      '/0.celery.pidbox',
      mutate(`{"method": "ping", "arguments": {}, "reply_to": null}`, random),
    )
  }
}
