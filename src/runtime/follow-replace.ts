// A task said that other work takes its place. That work gets the task's id at its end, and everything that was
// waiting for the task: callbacks, errbacks, the rest of its chain, its chord, its stamps. The task itself stores
// nothing and reports to nobody; its message ends with the publication of what replaces it, in one step.
import { normalise } from '../canvas/chain.js'
import { addCallback, addErrback } from '../canvas/link.js'
import { change, type Node, type SignatureOptions } from '../canvas/node.js'
import { underStamps } from '../canvas/stamp.js'
import { fromJSON, type SignatureJson } from '../canvas/wire.js'
import { type FollowContext, originOf } from './continue.js'
import { decompose } from './decompose.js'
import { additionSteps } from './follow-added.js'
import type { Message } from './message.js'
import { ack } from './own-end.js'
import type { Plan, Step } from './plan.js'
import { asOne } from './single.js'

export const followReplace = (message: Message, signature: Node, context: FollowContext): Plan => {
  const { id, rootId, groupId, groupIndex, embed } = message
  const nesting = message.replacedTaskNesting + 1
  const rest = embed.chain?.map((step) => nestedJson(step, nesting)) ?? null
  const node = heir(message, signature, nesting, context.ignoreResult)
  const options: SignatureOptions = {
    taskId: id,
    rootId,
    replacedTaskNesting: nesting,
    ...(groupId !== null && { groupId }),
    ...(groupIndex !== null && { groupIndex }),
  }
  const added = additionSteps(message, context)
  const end: Step = { do: 'end', ending: ack }
  const origin = originOf(message, { ...context, looksAhead: true })
  if (node.kind === 'task' || node.kind === 'xmap' || node.kind === 'xstarmap') {
    const { steps } = decompose(node, [], options, origin)
    return { steps: [...added, ...steps.map((step) => carrying(step, rest, embed.chord)), end] }
  }
  const behind: SignatureOptions = {
    ...options,
    ...(rest !== null && { chain: rest.map((step) => fromJSON(step)) }),
    ...(embed.chord !== null && { chord: fromJSON(embed.chord) }),
  }
  return { steps: [...added, ...decompose(node, [], behind, origin).steps, end] }
}

/** What is sent in the task's place: one result, kept or not as the task's, its stamps, and what was linked to it. */
const heir = (message: Message, signature: Node, nesting: number, ignored: boolean): Node => {
  const { callbacks, errbacks } = message.embed
  const one = asOne(normalise(signature), ignored)
  const stamped = underStamps(one, message.stampedHeaders ?? [], message.stamps)
  const called = (callbacks ?? []).map((json) => fromJSON(json)).reduce(addCallback, stamped)
  const guarded = (errbacks ?? []).map((json) => fromJSON(json)).reduce(addErrback, called)
  return guarded.kind === 'chain'
    ? change(guarded, { tasks: guarded.tasks.map((task) => nested(task, nesting)) })
    : guarded
}

const nested = (node: Node, replacedTaskNesting: number): Node =>
  change(node, { options: { ...node.options, replacedTaskNesting } })

const nestedJson = (json: SignatureJson, nesting: number): SignatureJson => ({
  ...json,
  options: { ...json.options, replaced_task_nesting: nesting },
})

/** What waits behind a plain task travels on as it came. */
const carrying = (step: Step, chain: readonly SignatureJson[] | null, chord: SignatureJson | null): Step =>
  step.do === 'publish'
    ? { ...step, message: { ...step.message, embed: { ...step.message.embed, chain, chord } } }
    : step
