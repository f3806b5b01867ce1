// P5: a worker is killed at each point of a completion. A wire that knows what passes (support/proxy) kills it
// when the n-th completing call leaves (user code is over, nothing is written) and when its answer comes back
// (everything is written: the part is counted, the next message is out, and nobody heard of it).
import { chain, chord, group } from 'lovage'
import type { Running } from '../../support/processes.js'
import { publishedTwice } from '../support/ledger.js'
import { Proxy } from '../support/proxy.js'
import { type Client, type FaultCase, inParallel, range, type Scene } from '../support/scene.js'

interface Shape {
  readonly name: string
  /** Sends it; its last id, and what must come out of it. */
  readonly send: (client: Client) => Promise<{ readonly id: string; readonly result: unknown }>
  /** Task runs that it takes when nothing happens: each of them is one message. */
  readonly messages: number
  /** Completing calls, one by one: a chord's last part has a second one, which sends the body. */
  readonly completions: number
}

const shapes: readonly Shape[] = [
  {
    name: 'task',
    send: async ({ add }) => ({ id: (await add.delay(1, 2)).id, result: 3 }),
    messages: 1,
    completions: 1,
  },
  {
    name: 'chain',
    send: async ({ add }) => ({ id: (await chain(add.s(1, 2), add.s(4), add.s(8)).delay()).id, result: 15 }),
    messages: 3,
    completions: 3,
  },
  {
    name: 'chord',
    send: async ({ add, total }) => ({
      id: (await chord([add.s(1, 2), add.s(3, 4), add.s(5, 6)], total.s()).delay()).id,
      result: 21,
    }),
    messages: 4,
    completions: 5,
  },
  {
    name: 'chord in a chain',
    send: async ({ add, total }) => ({
      id: (await chain(add.s(1, 2), group(add.s(10), add.s(20)), total.s(), add.s(100)).delay()).id,
      result: 136,
    }),
    messages: 5,
    completions: 6,
  },
  {
    name: 'retry',
    send: async ({ stubborn }) => ({ id: (await stubborn.delay(7, 3, 1)).id, result: 7 }),
    messages: 3,
    completions: 3,
  },
  {
    name: 'link',
    send: async ({ add }) => ({ id: (await add.s(1, 2).link(add.s(10)).delay()).id, result: 3 }),
    messages: 2,
    completions: 2,
  },
  {
    name: 'errback',
    send: async ({ refuse, tell }) => ({
      id: (await refuse.s(1, 1).linkError(tell.s()).delay()).id,
      result: 'Refused',
    }),
    messages: 2,
    completions: 2,
  },
]

interface Point {
  readonly shape: Shape
  readonly number: number
  readonly moment: 'sent' | 'answered'
  readonly queue: string
}

const pointsOf = (shape: Shape): readonly Point[] =>
  range(shape.completions).flatMap((index) =>
    (['sent', 'answered'] as const).map((moment) => ({
      shape,
      number: index + 1,
      moment,
      queue: `${shape.name.replaceAll(' ', '-')}-${index + 1}-${moment}`,
    })),
  )

/** Resolves when the worker is dead. */
const killAt = async (scene: Scene, { shape, number, moment, queue }: Point) => {
  const sent = await shape.send(scene.client(queue))
  let worker: Running | undefined
  const strike = (call: { readonly number: number }): 'pass' | 'drop' => {
    if (call.number !== number) return 'pass'
    worker?.signal('SIGKILL')
    return 'drop'
  }
  const proxy = await Proxy.open(
    scene.redis.url,
    moment === 'sent' ? { onCall: strike } : { onAnswer: strike },
  )
  worker = scene.launch({ queues: [queue], concurrency: 1, url: proxy.url })
  const { signal } = await worker.exited
  proxy.close()
  if (signal !== 'SIGKILL') throw new Error(`the worker ended by itself: ${worker.output()}`)
  return { ...sent, queue }
}

export const p5: FaultCase = {
  name: 'P5',
  title: 'killed at each point of a completion',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const all = shapes.flatMap(pointsOf)
    // The points of a chord's end: the last part, and the body.
    const few = all.filter(({ shape, number }) => shape.name === 'chord' && number >= 3 && number <= 4)
    const points = size === 'full' ? all : few
    const queues: string[] = []
    const workflows: { readonly point: Point; readonly id: string; readonly result: unknown }[] = []
    await inParallel(3, points, async (point) => {
      const { id, result, queue } = await killAt(scene, point)
      queues.push(queue)
      workflows.push({ point, id, result })
    })
    for (let from = 0; from < queues.length; from += 8)
      await scene.worker({ queues: queues.slice(from, from + 8), concurrency: 4 })

    const missing = await scene.finished(workflows.map(({ id }) => id))
    const metas = await scene.results(workflows.map(({ id }) => id))
    const expected = workflows.reduce((sum, { point }) => sum + point.shape.messages, 0)
    // What comes after the last result (a link, an errback) has no id that we know: wait for its run.
    await scene.quiet()
    const starts = ledger.starts()
    const messages = new Set(starts.map(({ id, retries }) => `${id}:${retries}`)).size
    const wrong = workflows.filter(({ result }, index) => {
      const meta = metas[index]
      const value = meta?.status === 'FAILURE' ? (meta.result as { exc_type: string }).exc_type : meta?.result
      return value !== result
    })
    const names = [...new Set(points.map(({ shape }) => shape.name))]
    report.inject(
      `SIGKILL when a completion leaves, and when its answer comes, at each of: ${names.join(', ')}`,
    )
    report.count('points', points.length)
    report.count('messages', messages)
    report.count('expected', expected)
    report.count('starts', starts.length)
    report.must(
      `no hang: every workflow ended${missing.length > 0 ? `, but ${missing.length} did not` : ''}`,
      missing.length === 0,
    )
    const culprits = wrong.map(({ point }) => point.queue).join(', ')
    report.must(`every result is right${wrong.length > 0 ? `, but for ${culprits}` : ''}`, wrong.length === 0)
    report.must('each edge once: every expected message ran, and no other', messages === expected)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
