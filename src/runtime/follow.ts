// follow(message, outcome) → Plan: what happens after a task. The result, the next step of its chain, its
// callbacks, its part of a chord, the end of its message: one list, committed as one. Here: when it has
// succeeded, and when nothing follows; failures, retries and the ends of chords stand in follow-*.ts.
import type { Node } from '../canvas/node.js'
import { fromJSON, type SignatureJson } from '../canvas/wire.js'
import { additionSteps } from './follow-added.js'
import { type Continuation, continueWith, type FollowContext, groupOf, priorityOf } from './continue.js'
import { encodePython } from './json.js'
import type { Message } from './message.js'
import { ack, storeOwn } from './own-end.js'
import { ownPlace, partOf } from './parts.js'
import type { Plan, Step } from './plan.js'
import { resultText } from './result-text.js'

/** The task returned `value`; throws EncodeError when it cannot travel (the caller makes that the failure). */
export const followSuccess = (message: Message, value: unknown, context: FollowContext): Plan => {
  const { callbacks, chain, chord } = message.embed
  const result = resultText(value, message.task)
  const steps: Step[] = []
  const { added } = context
  if (callbacks === null && chain === null && chord === null && added.length === 0) {
    // The common case: nothing follows.
    if (!context.ignoreResult) steps.push(storeOwn(message, 'SUCCESS', result, null, context.children))
    steps.push({ do: 'end', ending: ack })
    return { steps }
  }
  if (added.length > 0) steps.push(...additionSteps(message, context))
  const children = [...context.children]
  for (const next of [
    ...linked(callbacks, value, message, context),
    ...nextOf(chain, value, message, context),
  ]) {
    for (const step of next.steps) steps.push(step)
    children.push(...next.children)
  }
  if (!context.ignoreResult) steps.push(storeOwn(message, 'SUCCESS', result, null, children))
  const place = ownPlace(message)
  if (place !== undefined) steps.push({ do: 'report', part: partOf(place, 'SUCCESS', encodePython(value)) })
  steps.push({ do: 'end', ending: ack })
  return { steps }
}

/** One callback is sent as it is; of several, groups go one by one and all others together as a new group. */
const linked = (
  callbacks: readonly SignatureJson[] | null,
  value: unknown,
  message: Message,
  context: FollowContext,
): readonly Continuation[] => {
  if (callbacks === null || callbacks.length === 0) return []
  const nodes = callbacks.map((json) => fromJSON(json))
  const others = nodes.filter(({ kind }) => kind !== 'group')
  const alone = nodes.filter(({ kind }) => kind === 'group')
  const sent: readonly Node[] =
    others.length === 0 || nodes.length === 1 ? nodes : [...alone, groupOf(others)]
  return sent.map((node) => continueWith(node, [value], priorityOf(message, context), message, context))
}

/** Fewer steps are lighter than what is worth folding, unless their arguments are huge. */
const manySteps = 16

/** The next step of the chain, with the rest of it. */
const nextOf = (
  chain: readonly SignatureJson[] | null,
  value: unknown,
  message: Message,
  context: FollowContext,
): readonly Continuation[] => {
  const json = chain?.at(-1)
  if (chain === null || json === undefined) return []
  const rest = chain.slice(0, -1)
  const handed = priorityOf(message, context)
  const next = fromJSON(json)
  const isPlain = next.kind === 'task' || next.kind === 'xmap' || next.kind === 'xstarmap'
  // A long rest, inline, comes from somebody who writes no references: from here on it may be carried by one.
  const isLong =
    rest.length >= manySteps &&
    next.kind === 'task' &&
    context.isOurs?.(next.task, next.options.queue) === true
  if (!isPlain || isLong) {
    const behind = rest.map((step) => fromJSON(step))
    return [continueWith(next, [value], { ...handed, chain: behind }, message, context)]
  }
  // A plain task carries the rest as it came: reading and writing it at every step would cost a long chain dear.
  const { steps, children } = continueWith(next, [value], handed, message, context)
  const carrying = steps.map(
    (step): Step =>
      step.do === 'publish'
        ? { ...step, message: { ...step.message, embed: { ...step.message.embed, chain: rest } } }
        : step,
  )
  return [{ steps: carrying, children }]
}
