// P5: a worker is killed at each point of a completion, and of what else it says to Redis. A wire that knows what
// passes (support/proxy) kills it when the n-th call leaves (user code is over, nothing is written) and when its
// answer comes back (everything is written: the part is counted, the next message is out, nobody heard of it).
import { chain, chord, group } from 'lovage'
import type { Running } from '../../support/processes.js'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type Call, type Fate, Proxy } from '../support/proxy.js'
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
    name: 'replace',
    send: async ({ swap, add }) => ({ id: (await chain(swap.s(5), add.s(100)).delay()).id, result: 107 }),
    messages: 4,
    completions: 4,
  },
  {
    name: 'replace in a header',
    send: async ({ swap, add, total }) => ({
      id: (await chord([swap.s(5), add.s(1, 2)], total.s()).delay()).id,
      result: 10,
    }),
    messages: 5,
    completions: 6,
  },
  {
    name: 'chord that grows',
    send: async ({ grow, add, total }) => ({
      id: (await chord([grow.s(7), add.s(1, 2)], total.s()).delay()).id,
      result: 18,
    }),
    messages: 4,
    completions: 5,
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
  {
    // The last part of the inner chord fails it, that fails the one around it, and that the next: each calls its errback.
    name: 'failure of chords in chords',
    send: async ({ add, refuse, total, tell }) => {
      const inner = chord([add.s(1, 2), refuse.s(1, 1)], total.s())
      const middle = chord([add.s(3, 4), inner], total.s())
      const outer = chord([add.s(5, 6), middle], total.s()).linkError(tell.s())
      return { id: (await outer.delay()).id, result: 'ChordError' }
    },
    messages: 7,
    // Those of the last errbacks may go together.
    completions: 8,
  },
]

type Moment = 'sent' | 'answered'

/** Where a worker dies: at the n-th call of this kind. */
interface Blow {
  readonly what: string
  readonly number: number
  readonly moment: Moment
  /** Only a call that did something counts, by its answer. */
  readonly if?: RegExp
}

/** A workflow, and the deaths of its workers, one after the other. */
interface Point {
  readonly shape: Shape
  readonly blows: readonly Blow[]
  readonly queue: string
}

const pointOf = (shape: Shape, ...blows: readonly Blow[]): Point => ({
  shape,
  blows,
  queue: [shape.name, ...blows.map(({ what, number, moment }) => `${what}-${number}-${moment}`)]
    .join('-')
    .replaceAll(' ', '-'),
})

const blow = (what: string, moment: Moment, number = 1): Blow => ({ what, number, moment })

const moments: readonly Moment[] = ['sent', 'answered']

const completionsOf = (shape: Shape): readonly Point[] =>
  range(shape.completions).flatMap((index) =>
    moments.map((moment) => pointOf(shape, blow('completion', moment, index + 1))),
  )

const named = (name: string): Shape => shapes.find((shape) => shape.name === name) as Shape

/** A script's answer that begins with how many messages it moved. */
const moved = /^\*\d+\r\n:[1-9]/

const once = (result: unknown, messages: number): Shape => ({
  name: 'acknowledged early',
  send: async ({ once }) => ({ id: (await once.delay(5, 1)).id, result }),
  messages,
  completions: 1,
})

/** Not of completions: of claims, notes, early acknowledgements, and of those who look after time and the dead. */
const others: readonly Point[] = [
  ...moments.map((moment) => pointOf(named('chain'), blow('claim', moment))),
  ...moments.map((moment) => pointOf(named('chain'), blow('completion', 'sent', 2), blow('note', moment))),
  ...moments.map((moment) =>
    pointOf(named('chord'), blow('completion', 'answered', 3), blow('note', moment)),
  ),
  ...moments.map((moment) =>
    pointOf(named('chord'), blow('completion', 'answered', 3), blow('completion', moment)),
  ),
  pointOf(named('chain'), blow('completion', 'sent', 2), { ...blow('reap', 'answered', 0), if: moved }),
  pointOf(named('retry'), { ...blow('promote', 'answered', 0), if: moved }),
  pointOf(once(5, 1), blow('mark', 'sent')),
  pointOf(once('WorkerLostError', 0), blow('mark', 'answered')),
  pointOf(once('WorkerLostError', 1), blow('completion', 'sent')),
  pointOf(once('WorkerLostError', 0), blow('mark', 'answered'), blow('completion', 'sent')),
]

/** Resolves when the worker is dead. */
const killAt = async (
  scene: Scene,
  queue: string,
  { what, number, moment, if: wanted }: Blow,
): Promise<void> => {
  let worker: Running | undefined
  const strike = (call: Call, answer?: Buffer): Fate => {
    if (call.what !== what || (number > 0 && call.number !== number)) return 'pass'
    if (wanted !== undefined && !wanted.test(String(answer))) return 'pass'
    worker?.signal('SIGKILL')
    return 'drop'
  }
  const proxy = await Proxy.open(
    scene.redis.url,
    moment === 'sent' ? { onCall: strike } : { onAnswer: strike },
  )
  worker = scene.launch({ queues: [queue], concurrency: 1, url: proxy.url })
  const patience = setTimeout(() => worker?.signal('SIGTERM'), 40_000)
  const { signal } = await worker.exited
  clearTimeout(patience)
  proxy.close()
  if (signal !== 'SIGKILL') throw new Error(`${queue}: no ${what} was ${moment}: ${worker.output()}`)
}

export const p5: FaultCase = {
  name: 'P5',
  title: 'killed at each point of a completion',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const all = [...shapes.flatMap(completionsOf), ...others]
    // The points of a chord's end: the last part, and the body.
    const few = [
      ...completionsOf(named('chord')).slice(4, 8),
      // What replaces a task, and what is added to its chord, leaves with the task's own end.
      ...completionsOf(named('replace')).slice(0, 2),
      ...completionsOf(named('chord that grows')).slice(0, 2),
      // The second chord fails because the first did.
      ...completionsOf(named('failure of chords in chords')).slice(10, 12),
    ]
    const points = size === 'full' ? all : few
    const queues: string[] = []
    const workflows: { readonly point: Point; readonly id: string; readonly result: unknown }[] = []
    await inParallel(3, points, async (point) => {
      const { shape, blows, queue } = point
      const { id, result } = await shape.send(scene.client(queue))
      for (const each of blows) await killAt(scene, queue, each)
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
    const messages = distinct(starts.map(messageOf))
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
