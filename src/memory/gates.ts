// Gates: at most so many messages of one key at once, in order (runtime/gate.ts).
import { type Gate, readGate } from '../runtime/gate.js'
import { dequeToArray, emptyDeque, popFront, pushBack } from './deque.js'
import type { Draft } from './draft.js'
import type { OperationOf, ReplyTo } from './operations.js'
import { append } from './queues.js'
import type { GateState, InLine, Message } from './records.js'

const closed: GateState = { inside: {}, line: emptyDeque() }

const at = (draft: Draft, name: string): GateState => draft.get('gates', name) ?? closed

/** The gate of what lies in a queue. */
export const gateOf = ({ raw, gate }: Message): Gate | undefined => readGate(raw) ?? gate

const put = (draft: Draft, name: string, state: GateState): void =>
  draft.set(
    'gates',
    name,
    Object.keys(state.inside).length === 0 && state.line.size === 0 ? undefined : state,
  )

const count = (draft: Draft, queue: string, name: string, by: 1 | -1): void => {
  const waiting = (draft.getIn('gated', queue, name) ?? 0) + by
  draft.setIn('gated', queue, name, waiting > 0 ? waiting : undefined)
}

/** Whoever is next goes to the redeliveries of its queue, as often as there is room. */
const advance = (draft: Draft, { limit, name }: Pick<Gate, 'limit' | 'name'>): void => {
  let { inside, line } = at(draft, name)
  while (Object.keys(inside).length < limit) {
    const next = popFront(line)
    // The first may be a second message of a task that runs.
    if (next === null || Object.hasOwn(inside, next[0].gate.who)) break
    const [{ gate, message }, rest] = next
    line = rest
    inside = { ...inside, [gate.who]: null }
    append(draft, readGate(message.raw) === undefined ? { ...message, gate } : message)
    count(draft, message.queue, name, -1)
  }
  put(draft, name, { inside, line })
}

/** True: the message is inside now, with this consumer. False: it stands in the line. */
export const enter = (draft: Draft, gate: Gate, consumer: string, message: Message): boolean => {
  const { limit, who, name } = gate
  const { inside, line } = at(draft, name)
  const holder = Object.hasOwn(inside, who) ? inside[who] : undefined
  // Who is inside already comes again after its worker's end; or is a second message of the same task.
  const free =
    holder === undefined
      ? Object.keys(inside).length < limit && line.size === 0
      : holder === null || draft.get('consumers', holder as string) === undefined
  if (free) {
    put(draft, name, { inside: { ...inside, [who]: consumer }, line })
    return true
  }
  put(draft, name, { inside, line: pushBack(line, { gate, message }) })
  count(draft, message.queue, name, 1)
  advance(draft, gate)
  return false
}

export const leave = (draft: Draft, gate: Gate): void => {
  const { inside, line } = at(draft, gate.name)
  if (!Object.hasOwn(inside, gate.who)) return
  const { [gate.who]: _left, ...others } = inside
  put(draft, gate.name, { inside: others, line })
  advance(draft, gate)
}

/** It goes back to its queue, and keeps its place, where its header tells that it has one. */
export const goBack = (draft: Draft, gate: Gate, { raw }: Message): void => {
  if (readGate(raw) === undefined) return leave(draft, gate)
  const { who, name } = gate
  const { inside, line } = at(draft, name)
  if (Object.hasOwn(inside, who)) put(draft, name, { inside: { ...inside, [who]: null }, line })
}

/** A delivery whose gate stands in no header. */
export const admit = (draft: Draft, operation: OperationOf<'admit'>): ReplyTo<'admit'> => {
  const { consumer, tag, gate } = operation
  const held = draft.getIn('held', consumer, tag)
  if (held === undefined) return 'lost'
  if (held.gate !== undefined) return 'run'
  const admitted = enter(draft, gate, consumer, held.message)
  draft.setIn('held', consumer, tag, admitted ? { ...held, gate } : undefined)
  return admitted ? 'run' : 'wait'
}

/** How many of a queue's messages stand in lines. */
export const inLines = (draft: Draft, queue: string): number =>
  draft.allIn('gated', queue).reduce((sum, [, waiting]) => sum + waiting, 0)

/** A queue's messages that stand in lines. */
export const lined = (draft: Draft, queue: string): readonly Message[] =>
  draft
    .allIn('gated', queue)
    .flatMap(([name]) => dequeToArray(at(draft, name).line).map(({ message }) => message))
    .filter((message) => message.queue === queue)

/** Drops a queue's messages from all lines. `leaving` lay in it as well, and may be inside a gate. */
export const emptyLines = (draft: Draft, queue: string, leaving: readonly Message[]): void => {
  for (const [name] of draft.allIn('gated', queue)) {
    const { inside, line } = at(draft, name)
    const kept = dequeToArray(line).filter(({ message }) => message.queue !== queue)
    put(draft, name, { inside, line: kept.reduce(pushBack<InLine>, emptyDeque<InLine>()) })
    draft.setIn('gated', queue, name, undefined)
  }
  for (const message of leaving) {
    const gate = gateOf(message)
    if (gate !== undefined) leave(draft, gate)
  }
}
