// perform(plan): the one place where a plan becomes what a Broker is told, in one call. The deciders say
// what; here the words get their addresses and texts (what is sent: prepare).
import type { Node } from '../canvas/node.js'
import { toJSON } from '../canvas/wire.js'
import type { Completion, Ending } from './consumer.js'
import type { ChordKey, ChordPart, PageKey, Publication, StoredText } from './publication.js'
import { encodeValue } from './json.js'
import type { Message } from './message.js'
import { type ExtendedMeta, metaText } from './meta.js'
import type { Writable } from './outgoing.js'
import type { Plan, Step } from './plan.js'
import { type Means, type Prepared, prepare } from './prepare.js'

export type { Means, Prepared } from './prepare.js'
import type { Woven } from './weave.js'

/** A plan of a sender: all of it in one publication. */
export const toPublication = (plan: Pick<Plan, 'steps'>, means: Means): Prepared | Promise<Prepared> =>
  prepare(plan.steps, means, means.broker.now())

/** The steps as the app's layers want them, where it has any. */
export const weave = ({ steps }: Plan, { weaver }: Means): Promise<Woven> | undefined =>
  weaver?.isNeeded ? weaver.weave(steps) : undefined

/** What a worker knows of the message whose end it commits. */
export interface Ended {
  readonly tag: string
  readonly message: Message
  /** Seconds. */
  readonly resultExpires: number
  readonly extended: ExtendedMeta | undefined
}

/** Names this generation of this message: see Completion.fence. */
export const fenceOf = ({ id, retries, replacedTaskNesting, parentId }: Message): string =>
  `${id}:${retries}:${replacedTaskNesting}:${parentId ?? ''}`

/** The same of one that could not be read but for its id. */
export const unreadableFence = (id: string): string => `${id}:unreadable::`

/** Nothing can follow this message, so that its stored SUCCESS alone tells that it ended. */
const isPlain = ({ parentId, embed }: Message): boolean =>
  parentId === null &&
  embed.callbacks === null &&
  embed.errbacks === null &&
  (embed.chain === null || embed.chain.length === 0) &&
  embed.chord === null

const needsFence = (message: Message, steps: readonly Step[], ending: Ending): boolean => {
  if (ending.kind === 'back' || ending.kind === 'requeue' || ending.kind === 'defer') return false
  let publishes = false
  let reports = 0
  let stores = 0
  for (const step of steps) {
    if (step.do === 'publish') publishes = true
    else if (step.do === 'report') reports += 1
    else if (step.do === 'store') stores += 1
  }
  if (reports === 1 && !publishes && stores <= 1) return false
  const success = steps.some(
    (step) => step.do === 'store' && step.taskId === message.id && step.state === 'SUCCESS',
  )
  return !(success && stores === 1 && isPlain(message) && !publishes && reports === 0)
}

/** What `resultExtended` adds: of what never ran, as much as its signature says. */
const extendedOf = (taskId: string, unrun: Node | undefined, ended: Ended): ExtendedMeta | undefined => {
  if (ended.extended === undefined || taskId === ended.message.id) return ended.extended
  if (unrun === undefined) return undefined
  const { task, args, kwargs } = toJSON(unrun)
  return { name: task, args, kwargs, worker: null, retries: 0, queue: null }
}

const storedText = (step: Extract<Step, { do: 'store' }>, ended: Ended, nowMs: number): StoredText => {
  const { taskId, state, result, traceback, children, groupId, parentId, unrun } = step
  const extended = extendedOf(taskId, unrun, ended)
  return {
    taskId,
    state,
    expires: ended.resultExpires,
    text: metaText({
      taskId,
      state,
      result,
      traceback,
      children: children.length > 0 ? encodeValue(children, 'the children') : undefined,
      nowMs,
      groupId,
      parentId,
      extended,
    }),
  }
}

const nothing: Publication = Object.freeze({ pushes: [], chords: [] })

/** The plan of a message's end, as the one completion that commits it. */
export const toCompletion = (plan: Plan, ended: Ended, means: Means): Completion | Promise<Completion> => {
  const nowMs = means.broker.now()
  const results: StoredText[] = []
  const parts: ChordPart[] = []
  const joined: ChordKey[] = []
  let grown: ChordKey[] | undefined
  const frees: PageKey[] = []
  let ending: Ending = { kind: 'ack' }
  let sends = false
  for (const step of plan.steps)
    if (step.do === 'store') results.push(storedText(step, ended, nowMs))
    else if (step.do === 'report') parts.push(step.part)
    else if (step.do === 'join') joined.push(step.chord)
    else if (step.do === 'grow-chord') (grown ??= []).push(step.chord)
    else if (step.do === 'end') ending = step.ending
    else if (step.do === 'free') frees.push(step.key)
    else sends = true
  const own = means.sentBy !== undefined ? { ...means, sent: means.sentBy(ended.tag) } : means
  const fenced = joined.length === 0 && needsFence(ended.message, plan.steps, ending)
  const complete = (publication: Publication & Pick<Partial<Prepared>, 'mixed'>): Completion => {
    const { pushes, chords, pages = [], releases, errands, mixed } = publication
    // Field by field: spreads that mostly add nothing would cost as much as all the rest.
    const completion: Writable<Completion> = { tag: ended.tag, ending, results, pushes, chords, parts }
    if (fenced) completion.fence = fenceOf(ended.message)
    if (errands !== undefined) completion.errands = errands
    if (mixed !== undefined) completion.mixed = mixed
    if (grown !== undefined) completion.grown = grown
    if (joined.length > 0) completion.joined = joined
    if (pages.length > 0) completion.pages = pages
    if (frees.length > 0) completion.frees = frees
    if (releases !== undefined) completion.releases = releases
    return completion
  }
  const woven = sends ? weave(plan, means) : undefined
  if (woven !== undefined)
    return woven.then(async ({ steps, left }) => {
      try {
        const completion = complete(await prepare(steps, own, nowMs))
        // The commit is next, and is not waited for: it is the worker's loop that knows of it.
        left()
        return completion
      } catch (error) {
        left(error)
        throw error
      }
    })
  const sent = sends ? prepare(plan.steps, own, nowMs) : nothing
  return sent instanceof Promise ? sent.then(complete) : complete(sent)
}
