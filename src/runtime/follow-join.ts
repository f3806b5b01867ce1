// The last part of a chord is in: its body is sent with the results, or fails with the first bad one. One
// message's end can complete several chords; their bodies go out together, and only then is it acknowledged.
import { isCollected } from '../canvas/link.js'
import type { Node } from '../canvas/node.js'
import { ChordError } from '../errors.js'
import type { Ending, Join } from './consumer.js'
import type { ChordKey } from './publication.js'
import { type Continuation, continueWith, type FollowContext } from './continue.js'
import { encodeException, readExceptionInfo, reprException, toExceptionInfo, tracebackOf } from './failure.js'
import { abandon, callErrbacks, namedIn } from './follow-failure.js'
import { bodyIdOf } from './freeze.js'
import { decodeJson } from './json.js'
import type { Message } from './message.js'
import type { ResultTuple } from './meta.js'
import { newsFor } from './news.js'
import { type Seat, seatsAround, seatsOf } from './parts.js'
import type { Plan, Step } from './plan.js'
import { inPlace } from './unrun.js'

/** A chord that is complete: all its members, in order; its body, where the message only refers to it. */
export interface Complete extends Omit<Join, 'completion'> {
  readonly body?: Node
}

interface Member {
  readonly id: string
  readonly state: string
  readonly result: unknown
}

/** `trouble`: the bodies could not be sent, so that they fail with this. */
export const followJoins = (
  message: Message,
  joins: readonly Complete[],
  ending: Ending,
  context: FollowContext,
  trouble?: { readonly error: unknown; readonly errbacks: boolean },
): Plan => {
  const seats = seatsAround(message)
  const steps: Step[] = []
  for (const { groupId, bodyId, members, body: opened } of joins) {
    const chord: ChordKey = { groupId, bodyId }
    const seat = seats.find((each) => each.groupId === groupId && each.bodyId === bodyId)
    const body = opened ?? seat?.body
    const fault = trouble ?? (seat?.flaw && { error: seat.flaw, errbacks: true })
    let end: readonly Step[] = []
    if (body !== undefined && fault === undefined) end = bodySteps(body, members, message, context)
    else if (body !== undefined) {
      const error = new ChordError(`Callback error: ${reprException(toExceptionInfo(fault?.error))}`)
      end = failWhole(body, error, fault?.errbacks === true, message, context)
    }
    steps.push(...(opened === undefined ? end : end.map((step) => reachable(step, opened, seats, context))))
    steps.push({ do: 'join', chord })
  }
  steps.push({ do: 'end', ending })
  return { steps }
}

/**
 * The chord around a body that lay on a page may be named there only, and the page goes with this end: a redelivery of
 * this message could not send what that chord's last part brings. So a message of its own tells it.
 */
const reachable = (
  step: Step,
  body: Node,
  seats: readonly Seat[],
  { queue }: Pick<FollowContext, 'queue'>,
): Step => {
  if (step.do !== 'report') return step
  const { part } = step
  const isIt = (seat: Seat): boolean =>
    seat.groupId === part.groupId && seat.bodyId === part.bodyId && seat.taskId === part.taskId
  const seat = seats.some(isIt) ? undefined : seatsOf(body).find(isIt)
  if (seat === undefined) return step
  const name = body.kind === 'task' ? body.task : `celery.${body.kind}`
  return { do: 'publish', message: newsFor(seat, readMember(part.member), name, queue) }
}

export const bodySteps = (
  body: Node,
  texts: readonly string[],
  message: Message,
  context: FollowContext,
): readonly Step[] => {
  const shaped = texts[0]?.startsWith('{') === true
  let members: readonly Member[]
  let results: readonly unknown[]
  try {
    members = (shaped ? texts.slice(1) : texts).map(readMember)
    results = (shaped && nested(texts[0] as string, members)) || members.map(({ result }) => result)
  } catch (error) {
    const failed = new ChordError(`Join error: ${reprException(toExceptionInfo(error))}`)
    return failWhole(body, failed, true, message, context)
  }
  const bad = members.find(({ state }) => state === 'FAILURE' || state === 'REVOKED')
  if (bad === undefined) return sendBody(body, results, message, context).steps
  const text = bad.result === null ? 'None' : reprException(readExceptionInfo(bad.result))
  return failWhole(body, new ChordError(`Dependency ${bad.id} raised ${text}`), true, message, context)
}

/** The saved shape of a header, as Celery's `GroupResult.save()` has it; null where there is one, or a part is unreadable. */
export const headerShape = (groupId: string, texts: readonly string[]): string | null => {
  if (texts[0]?.startsWith('{') === true) return null
  try {
    const members = texts.map((text): ResultTuple => [[readMember(text).id, null], null])
    return JSON.stringify({ result: [[groupId, null], members] satisfies ResultTuple })
  } catch {
    return null
  }
}

const readMember = (text: string): Member => {
  const member = decodeJson(text)
  if (!Array.isArray(member) || member.length < 4)
    throw new Error(`a part is not readable: ${text.slice(0, 80)}`)
  return { id: String(member[1]), state: String(member[2]), result: member[3] }
}

/** The members' results in the shape that was saved; undefined where it does not fit them. */
const nested = (saved: string, members: readonly Member[]): readonly unknown[] | undefined => {
  const results = new Map(members.map(({ id, result }) => [id, result]))
  const valueOf = ([[id], inner]: ResultTuple): unknown => {
    if (inner !== null) return inner.map(valueOf)
    if (!results.has(id)) throw new RangeError(id)
    return results.get(id)
  }
  try {
    const { result } = decodeJson(saved) as { readonly result: ResultTuple }
    return valueOf(result) as readonly unknown[]
  } catch {
    return undefined
  }
}

/** What the sender said of root and parent holds; else the body belongs to whoever came last. */
const sendBody = (
  body: Node,
  results: readonly unknown[],
  message: Message,
  context: FollowContext,
): Continuation => {
  const { rootId = message.rootId, parentId = message.id } = body.options
  return continueWith(body, [results], { rootId, parentId }, message, context)
}

/** It never runs: everybody who waits for it, or for what stands behind it, is told. */
export const failWhole = (
  body: Node,
  error: unknown,
  errbacks: boolean,
  message: Message,
  context: FollowContext,
): readonly Step[] => {
  const info = toExceptionInfo(error)
  const traceback = tracebackOf(error)
  const steps: Step[] = []
  const children = new Map<string, readonly ResultTuple[]>()
  for (const [failedId, called] of errbacks ? errbacksOf(body) : []) {
    const rootId = body.options.rootId ?? failedId
    const sent = callErrbacks(called, failedId, { info, traceback }, rootId, message, context)
    steps.push(...sent.steps)
    children.set(failedId, sent.children)
  }
  for (const step of abandon([body], 'FAILURE', encodeException(info), traceback)) {
    if (step.do !== 'store') steps.push(step)
    else {
      steps.push({ ...step, groupId: null, children: children.get(step.taskId) ?? [] })
    }
  }
  return context.placesUnrun === true ? inPlace(steps, [body], message.id) : steps
}

/**
 * Who is told that a body never runs: the errbacks of what would have run first, its own and those from around,
 * with the id of the body's end; of a group, those of each member, with its id.
 */
const errbacksOf = (
  body: Node,
  around: readonly Node[] = [],
): readonly (readonly [failedId: string, errbacks: readonly Node[]])[] => {
  const errbacks = [...(body.options.linkError ?? []), ...around]
  switch (body.kind) {
    case 'group':
      return body.tasks.flatMap((task) => errbacksOf(task, errbacks))
    case 'chord': {
      if (!isCollected(body)) return errbacksOf(body.body, errbacks)
      // A group that reports as one stands here as a chord: its members are what runs first, and last. Where it
      // took the place of a task, the errbacks of that stand on what collects them.
      const members = body.header.flatMap((task) => errbacksOf(task, errbacks))
      return [...members, ...errbacksOf(body.body)]
    }
    case 'chain': {
      const [first, ...rest] = body.tasks
      const told = first === undefined ? [] : errbacksOf(first, errbacks)
      return rest.length === 0 ? told : told.map(([, called]) => [endOf(body), called])
    }
    default:
      return errbacks.length === 0 ? [] : [[endOf(body), errbacks]]
  }
}

/** The id of a body's end; of a body that ends in a group, which has none, its first member's. */
const endOf = (body: Node): string => bodyIdOf(body) || (namedIn(body)[0]?.taskId ?? '')
