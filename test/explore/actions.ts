// What may happen next in a world: what workers do, what time does, and faults. A call is one act with its answer,
// since what happens between the two to others is the same before or after; a lost answer, a resent call and a copy
// that arrives late are acts of their own.
import type { Kind, OperationOf, ReplyTo } from '../../src/memory/operations.js'
import type { Completion, Delivery } from '../../src/runtime/consumer.js'
import { dequeToArray } from '../../src/memory/deque.js'
import { heapToArray } from '../../src/memory/heap.js'
import type { Message } from '../../src/memory/records.js'
import type { State } from '../../src/memory/state.js'
import type { Script } from './script.js'
import { changed, type Hand, type Transition, type Worker, type World } from './world.js'

export interface Rules {
  readonly transition: Transition
  readonly script: Script
  /** Messages that a worker holds at once. */
  readonly capacity: number
  /** What the client sent, as it may arrive once more. */
  readonly sent: OperationOf<'publish'>
}

export interface Action {
  readonly label: () => string
  readonly isFault: boolean
  readonly act: () => World
}

const queue = 'celery'
/** A lease ends when a test says so. */
const leaseMs = 1
export const limits = { hostname: 'worker', queues: [queue], deadLetterMax: 10, deadLetterExpires: 60 }

export const messagesIn = (state: State): readonly Message[] => {
  const messages: Message[] = []
  for (const list of state.lists.values()) messages.push(...dequeToArray(list))
  for (const heap of state.deferred.values()) for (const { value } of heapToArray(heap)) messages.push(value)
  for (const tags of state.held.values()) for (const { message } of tags.values()) messages.push(message)
  return messages
}

const counted = new WeakMap<State, ReadonlyMap<string, number>>()

/** How often each message is there. */
const namesIn = (state: State, script: Script): ReadonlyMap<string, number> => {
  const known = counted.get(state)
  if (known !== undefined) return known
  const names = new Map<string, number>()
  for (const { raw } of messagesIn(state)) {
    const { name } = script.know(raw)
    names.set(name, (names.get(name) ?? 0) + 1)
  }
  counted.set(state, names)
  return names
}

/** One operation; who sends a message, and how often, is counted by what there is more of afterwards. */
export const apply = <K extends Kind>(
  world: World,
  rules: Rules,
  operation: OperationOf<K>,
  counts = true,
): readonly [World, ReplyTo<K>] => {
  const { changes, reply } = rules.transition(world.engine, operation)
  if (changes.length === 0) return [world, reply]
  const engine = changed(world.engine, changes)
  let sent = world.sent
  if (counts) {
    const before = namesIn(world.engine, rules.script)
    for (const [name, count] of namesIn(engine, rules.script)) {
      const more = count - (before.get(name) ?? 0)
      if (more <= 0) continue
      sent = new Map(sent).set(name, (sent.get(name) ?? 0) + more)
    }
  }
  return [{ ...world, engine, sent }, reply]
}

const replaceAt = <T>(values: readonly T[], index: number, value: T): readonly T[] =>
  values.map((each, at) => (at === index ? value : each))

const withWorker = (world: World, index: number, worker: Worker): World => ({
  ...world,
  workers: replaceAt(world.workers, index, worker),
})

const fresh = (id: string): Worker => ({ id, request: 1, hands: [], unanswered: [null, null] })

/** Ids go on: `w1.0`, `w1.1` … */
const nextId = (id: string): string => {
  const [name, count] = id.split('.') as [string, string]
  return `${name}.${Number(count) + 1}`
}

export const operation = <K extends Kind>(kind: K, asked: object): OperationOf<K> =>
  ({ kind, nowMs: 0, ...asked }) as unknown as OperationOf<K>

/** It comes (back) with nothing in hand. */
export const joinWorld = (world: World, rules: Rules, index: number, id: string): World => {
  const [registered] = apply(world, rules, operation('register', { consumer: id, leaseMs, ...limits }))
  return withWorker(registered, index, fresh(id))
}

const handOf = ({ tag, raw, attempts, uncertain }: Delivery): Hand => ({
  tag,
  raw,
  phase: attempts > 0 || uncertain ? 'new' : 'ready',
  joins: [],
  isOver: false,
})

/** A step's answer has come. */
const answered = (
  world: World,
  rules: Rules,
  index: number,
  step: OperationOf<'step'>,
  reply: ReplyTo<'step'>,
) => {
  const worker = world.workers[index] as Worker
  if (reply.kind !== 'done') return joinWorld(world, rules, index, nextId(worker.id))
  const tags = step.completions.map(({ tag }) => tag)
  const hands = worker.hands.flatMap((hand): readonly Hand[] => {
    const at = tags.indexOf(hand.tag)
    if (at === -1) return [hand]
    const own = reply.joins.filter(({ completion }) => completion === at)
    const joins = own.filter(({ members }) => members.length > 0)
    return own.length === 0 ? [] : [{ ...hand, phase: 'ready', joins, isOver: joins.length === 0 }]
  })
  return withWorker(world, index, {
    ...worker,
    hands: [...hands, ...reply.deliveries.map(handOf)],
    unanswered: replaceAt(worker.unanswered, step.lane, null),
  })
}

const shown = (hands: readonly Hand[], { script }: Rules): string =>
  hands.map(({ raw, joins }) => script.know(raw).name + (joins.length > 0 ? ' (body)' : '')).join(' and ')

const hasWork = ({ lists }: State): boolean => lists.size > 0

/** The end of what a worker has in hand: held until its moment, or what follows from its run. */
const completionOf = ({ raw, tag, joins, isOver }: Hand, world: World, { script }: Rules): Completion => {
  const bare = { tag, results: [], pushes: [], chords: [], parts: [] }
  if (isOver) return { ...bare, ending: { kind: 'ack' } }
  if (script.know(raw).isLater && !world.isLater) return { ...bare, ending: { kind: 'defer', dueMs: 0 } }
  return script.end(raw, tag, joins)
}

const stepsOf = (world: World, rules: Rules, index: number): readonly Action[] => {
  const worker = world.workers[index] as Worker
  const lane = worker.unanswered.indexOf(null)
  if (lane === -1) return []
  const ready = worker.hands.filter(({ phase }) => phase === 'ready')
  const choices = ready.length > 1 ? [ready, ...ready.map((hand) => [hand])] : [ready]
  const actions: Action[] = []
  const name = `worker ${index + 1}`
  for (const ends of choices) {
    const free = rules.capacity - worker.hands.length + ends.length
    if (ends.length === 0 && (free === 0 || !hasWork(world.engine))) continue
    const step = operation('step', {
      consumer: worker.id,
      lane,
      request: worker.request,
      completions: ends.map((hand) => completionOf(hand, world, rules)),
      slots: free,
      queues: [queue],
    })
    const leave = (): World => {
      const hands = worker.hands.map((hand) =>
        ends.includes(hand) ? { ...hand, phase: 'sent' as const } : hand,
      )
      return withWorker(world, index, { ...worker, hands, request: worker.request + 1 })
    }
    const what = (): string => (ends.length === 0 ? 'claims' : `ends ${shown(ends, rules)} and claims`)
    const arrive = (left: World): World => {
      const [after, reply] = apply(left, rules, step)
      return answered(after, rules, index, step, reply)
    }
    actions.push({ label: () => `${name} ${what()}`, isFault: false, act: () => arrive(leave()) })
    if (world.faultsLeft === 0) continue
    actions.push({
      label: () => `${name} ${what()}, and the answer is lost`,
      isFault: true,
      act: () => {
        const left = leave()
        const [after] = apply(left, rules, step)
        const waiting = left.workers[index] as Worker
        const unanswered = replaceAt(waiting.unanswered, lane, step)
        return withWorker(after, index, { ...waiting, unanswered })
      },
    })
    actions.push({
      label: () => `${name} ${what()}, and a copy of the call is on its way`,
      isFault: true,
      act: () => {
        const after = arrive(leave())
        return { ...after, echoes: [...after.echoes, step] }
      },
    })
  }
  return actions
}

const noteOf = (world: World, rules: Rules, index: number, hand: Hand): Action => {
  const { fence, parts, name } = rules.script.know(hand.raw)
  return {
    label: () => `worker ${index + 1} notes that ${name} starts`,
    isFault: false,
    act: () => {
      const worker = world.workers[index] as Worker
      const asked = { consumer: worker.id, tag: hand.tag, fence, parts }
      const [after, reply] = apply(world, rules, operation('note', asked))
      if (reply.kind === 'lost') return joinWorld(after, rules, index, nextId(worker.id))
      const joins = reply.kind === 'done' ? reply.joins : []
      const isOver = reply.kind === 'done' && joins.length === 0
      const hands = worker.hands.map((each) =>
        each === hand ? { ...hand, phase: 'ready' as const, joins, isOver } : each,
      )
      return withWorker(after, index, { ...worker, hands })
    },
  }
}

const reaped = (world: World, rules: Rules, id: string): World => {
  const [over] = apply(world, rules, operation('renew', { consumer: id, leaseMs: 0 }))
  return apply(over, rules, operation('reap', {}))[0]
}

/** Everything that may happen now, in a fixed order. */
export const actionsOf = (world: World, rules: Rules): readonly Action[] => {
  const { workers, engine, echoes, faultsLeft } = world
  const actions: Action[] = []
  for (const [index, worker] of workers.entries()) {
    actions.push(...stepsOf(world, rules, index))
    for (const hand of worker.hands) if (hand.phase === 'new') actions.push(noteOf(world, rules, index, hand))
    for (const step of worker.unanswered) {
      if (step === null) continue
      actions.push({
        label: () => `worker ${index + 1} sends its call again`,
        isFault: false,
        act: () => {
          const [after, reply] = apply(world, rules, step)
          return answered(after, rules, index, step, reply)
        },
      })
    }
    if (faultsLeft === 0) continue
    actions.push({
      label: () => `worker ${index + 1} crashes, and is started again`,
      isFault: true,
      act: () => joinWorld(world, rules, index, nextId(worker.id)),
    })
    actions.push({
      label: () => `worker ${index + 1} is frozen for longer than its lease`,
      isFault: true,
      act: () => reaped(world, rules, worker.id),
    })
    // A stop waits for its answers, and gives back what it holds.
    if (worker.unanswered.every((step) => step === null))
      actions.push({
        label: () => `worker ${index + 1} leaves, and is started again`,
        isFault: true,
        act: () => {
          const [left] = apply(world, rules, operation('unregister', { consumer: worker.id }))
          return joinWorld(left, rules, index, nextId(worker.id))
        },
      })
  }
  const alive = new Set(workers.map(({ id }) => id))
  for (const id of engine.consumers.keys())
    if (!alive.has(id))
      actions.push({
        label: () => 'a dead worker is reaped',
        isFault: false,
        act: () => reaped(world, rules, id),
      })
  for (const [index, step] of echoes.entries())
    actions.push({
      label: () => 'a copy of a call arrives late',
      isFault: false,
      act: () => ({ ...apply(world, rules, step)[0], echoes: echoes.filter((_, at) => at !== index) }),
    })
  if (engine.deferred.size > 0)
    actions.push({
      label: () => 'the moment of what waits has come',
      isFault: false,
      act: () => ({ ...apply(world, rules, operation('promote', { queue, most: 10 }))[0], isLater: true }),
    })
  // Its answer was lost, or a copy was late.
  if (faultsLeft > 0)
    actions.push({
      label: () => 'the call of the client arrives once more',
      isFault: true,
      act: () => apply(world, rules, rules.sent)[0],
    })
  if (faultsLeft > 0)
    for (const raw of distinct(
      messagesIn(engine).map((message) => message.raw),
      rules,
    ))
      actions.push({
        label: () => `${rules.script.know(raw).name} is in the queue a second time`,
        isFault: true,
        act: () =>
          apply(
            world,
            rules,
            operation('publish', { pushes: [{ queue, priority: 0, raw }], chords: [] }),
            false,
          )[0],
      })
  return actions.map((action) => (action.isFault ? costing(action) : action))
}

const costing = (action: Action): Action => ({
  ...action,
  act: () => {
    const after = action.act()
    return { ...after, faultsLeft: after.faultsLeft - 1 }
  },
})

const distinct = (raws: readonly Buffer[], { script }: Rules): readonly Buffer[] => [
  ...new Map(raws.map((raw) => [script.know(raw).index, raw])).values(),
]
