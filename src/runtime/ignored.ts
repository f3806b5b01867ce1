// Whose results nobody will store, of all that a publication sends now and of what stands behind it: a wait for
// one of them would have no end.
import type { SignatureJson } from '../canvas/wire.js'
import type { Outgoing } from './plan.js'
import { referenceIn } from './reference.js'

/** Whether the result of a step is not stored. */
export type Ignores = (step: SignatureJson) => boolean

const none: ReadonlySet<string> = new Set()

/** `messages` as they were sent, with everything decided, and the steps that they refer to. */
export const ignoredIds = (
  messages: readonly Outgoing[],
  kept: readonly SignatureJson[],
  ignores: Ignores,
): ReadonlySet<string> => {
  const plain = messages.every(
    ({ ignoreResult, embed }) => ignoreResult !== true && embed.chain === null && embed.chord === null,
  )
  if (plain) return none
  const ids = new Set<string>()
  const seen = new Set<unknown>()
  const todo: unknown[] = [...kept]
  for (const { id, ignoreResult, embed } of messages) {
    if (ignoreResult === true) ids.add(id)
    todo.push(embed.chain, embed.chord)
  }
  while (todo.length > 0) {
    const item = todo.pop()
    // The body of a chord is one object in all messages of its header.
    if (item === null || item === undefined || seen.has(item)) continue
    seen.add(item)
    if (Array.isArray(item)) todo.push(...item)
    else visit(item as SignatureJson, ignores, ids, todo)
  }
  return ids
}

const visit = (step: SignatureJson, ignores: Ignores, ids: Set<string>, todo: unknown[]): void => {
  // What it stands for is among what was kept.
  if (referenceIn(step) !== undefined) return
  const { kwargs, options, subtask_type: kind } = step
  if (kind === 'chain' || kind === 'group') todo.push(kwargs['tasks'])
  else if (kind === 'chord') todo.push(kwargs['header'], kwargs['body'])
  else if (typeof options['task_id'] === 'string' && ignores(step)) ids.add(options['task_id'])
  todo.push(options['chain'], options['chord'])
}
