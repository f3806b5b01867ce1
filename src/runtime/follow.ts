// follow(message, outcome) → Plan: what happens after a task. The result, the next step of its chain, its
// callbacks or errbacks, its part of a chord, the end of its message: one list, committed as one.
import type { Node, SignatureOptions } from '../canvas/node.js'
import { fromJSON, type SignatureJson } from '../canvas/wire.js'
import { ChordError, type Retry, TaskRevokedError } from '../errors.js'
import type { ChordPart, Ending, Join } from './broker.js'
import { decompose, momentAt, type Origin } from './decompose.js'
import {
  encodeException,
  type ExceptionInfo,
  reprException,
  readExceptionInfo,
  toExceptionInfo,
  tracebackOf,
} from './failure.js'
import { bodyIdOf } from './freeze.js'
import { decodeJson, encodePython, encodeValue } from './json.js'
import type { Message } from './message.js'
import type { ResultTuple } from './meta.js'
import { type Outgoing, type Plan, type Step, toTuple } from './plan.js'

/** What the decider may know besides the message. */
export interface FollowContext {
  readonly mint: () => string
  readonly nowMs: number
  /** Neither the result nor the failure is stored. */
  readonly ignoreResult: boolean
  readonly storeErrorsEvenIfIgnored: boolean
  /** What the task itself sent while it ran. */
  readonly children: readonly ResultTuple[]
  /** Children get this message's priority unless they have their own. */
  readonly inheritPriority: boolean
  /** Where the message came from: a retry goes there again. */
  readonly queue: string
}

const originOf = (message: Message, { mint, nowMs }: FollowContext): Origin => ({
  mint,
  nowMs,
  rootId: message.rootId,
  parentId: message.id,
})

const handedBy = (message: Message, { inheritPriority }: FollowContext): SignatureOptions => ({
  rootId: message.rootId,
  parentId: message.id,
  ...(inheritPriority && { priority: message.priority }),
})

const ack: Ending = { kind: 'ack' }

/** Sends `node` after the message, and notes it among the children. */
const continueWith = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  message: Message,
  context: FollowContext,
  steps: Step[],
  children: ResultTuple[],
): void => {
  const plan = decompose(
    node,
    args,
    { ...handedBy(message, context), ...options },
    originOf(message, context),
  )
  steps.push(...plan.steps)
  children.push(toTuple(plan.result))
}

/** One callback is sent as it is; of several, groups go one by one and all others together as a new group. */
const sendLinked = (
  linked: readonly SignatureJson[],
  args: readonly unknown[],
  options: SignatureOptions,
  message: Message,
  context: FollowContext,
  steps: Step[],
  children: ResultTuple[],
): void => {
  const nodes = linked.map((json) => fromJSON(json))
  const alone = nodes.length === 1 ? nodes : nodes.filter((node) => node.kind === 'group')
  const together = nodes.length === 1 ? [] : nodes.filter((node) => node.kind !== 'group')
  for (const node of alone) continueWith(node, args, options, message, context, steps, children)
  if (together.length > 0) continueWith(groupOf(together), args, options, message, context, steps, children)
}

const groupOf = (tasks: readonly Node[]): Node => ({
  kind: 'group',
  args: [],
  kwargs: {},
  options: {},
  immutable: false,
  tasks,
})

// ---------------------------------------------------------------------------------------------------
// Chord parts

/** `[1, "<id>", "<state>", <result>]`: bytes are compared by Python, so the text is Python's. */
const memberText = (id: string, state: string, result: string): string =>
  `[1, ${JSON.stringify(id)}, "${state}", ${result}]`

const partOf = (
  chord: SignatureJson,
  id: string,
  groupId: string,
  index: number | null,
  state: string,
  result: string,
): ChordPart => ({
  groupId,
  bodyId: bodyIdOf(fromJSON(chord)),
  taskId: id,
  index,
  member: memberText(id, state, result),
})

const ownPart = (
  { id, groupId, groupIndex, embed }: Message,
  state: string,
  result: string,
): readonly Step[] =>
  embed.chord === null || groupId === null
    ? []
    : [{ do: 'report', part: partOf(embed.chord, id, groupId, groupIndex, state, result) }]

/** The chords to which a message may have to report: its own, and those of the steps that wait behind it. */
export const partsOf = (message: Message): readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[] => [
  ...ownPart(message, '', '').flatMap((step) => (step.do === 'report' ? [step.part] : [])),
  ...(message.embed.chain ?? [])
    .flatMap((json) => waitingPart(json, '', ''))
    .flatMap((step) => (step.do === 'report' ? [step.part] : [])),
]

const waitingPart = (json: SignatureJson, state: string, result: string): readonly Step[] => {
  const options = fromJSON(json).options
  const { taskId, groupId, groupIndex, chord } = options
  if (chord === undefined || taskId === undefined || groupId === undefined) return []
  return [
    {
      do: 'report',
      part: {
        groupId,
        bodyId: bodyIdOf(chord),
        taskId,
        index: groupIndex ?? null,
        member: memberText(taskId, state, result),
      },
    },
  ]
}

// ---------------------------------------------------------------------------------------------------
// Success

/** The task returned `value`; throws EncodeError when it cannot travel (the caller makes that the failure). */
export const followSuccess = (message: Message, value: unknown, context: FollowContext): Plan => {
  const { callbacks, chain, chord } = message.embed
  const result = encodeValue(value, `the result of ${message.task}`)
  const steps: Step[] = []
  if (callbacks === null && chain === null && chord === null) {
    // The common case: nothing follows.
    if (!context.ignoreResult) steps.push(stored(message, 'SUCCESS', result, null, context.children))
    steps.push({ do: 'end', ending: ack })
    return { steps }
  }
  const children = [...context.children]
  if (callbacks !== null && callbacks.length > 0)
    sendLinked(callbacks, [value], {}, message, context, steps, children)
  const next = chain?.at(-1)
  if (chain !== null && next !== undefined)
    continueWith(
      fromJSON(next),
      [value],
      { chain: chain.slice(0, -1).map((json) => fromJSON(json)) },
      message,
      context,
      steps,
      children,
    )
  if (!context.ignoreResult) steps.push(stored(message, 'SUCCESS', result, null, children))
  steps.push(...ownPart(message, 'SUCCESS', encodePython(value)), { do: 'end', ending: ack })
  return { steps }
}

/** The task asked to be sent again: the same message with one more retry, held until it is due. */
export const followRetry = (message: Message, retry: Retry, context: FollowContext): Plan => {
  const { options } = retry
  const eta =
    options.eta !== undefined
      ? momentAt(options.eta.getTime())
      : options.countdown !== undefined && options.countdown > 0
        ? momentAt(context.nowMs + options.countdown * 1000)
        : null
  const expires =
    options.expires === undefined
      ? message.expires
      : momentAt(
          options.expires instanceof Date
            ? options.expires.getTime()
            : context.nowMs + options.expires * 1000,
        )
  const again: Outgoing = {
    task: message.task,
    id: message.id,
    args: options.args ?? message.args,
    kwargs: options.kwargs ?? message.kwargs,
    embed: message.embed,
    rootId: message.rootId,
    parentId: message.parentId ?? message.id,
    groupId: message.groupId,
    groupIndex: message.groupIndex,
    retries: message.retries + 1,
    eta,
    expires,
    timeLimit: options.timeLimit ?? message.timeLimit,
    softTimeLimit: options.softTimeLimit ?? message.softTimeLimit,
    shadow: message.shadow,
    ...(message.ignoreResult !== null && { ignoreResult: message.ignoreResult }),
    replacedTaskNesting: message.replacedTaskNesting,
    stampedHeaders: message.stampedHeaders,
    stamps: message.stamps,
    headers: { ...message.headers, ...options.headers },
    queue: options.queue ?? context.queue,
    priority: options.priority ?? message.priority,
    ...(message.replyTo !== null && { replyTo: message.replyTo }),
    hold: options.queue === undefined || options.queue === context.queue,
  }
  const { error } = options
  const steps: Step[] = [{ do: 'publish', message: again }]
  if (!context.ignoreResult)
    steps.push(
      stored(
        message,
        'RETRY',
        error === undefined ? 'null' : encodeException(toExceptionInfo(error)),
        tracebackOf(retry),
        [...context.children, [[message.id, null], null]],
      ),
    )
  steps.push({ do: 'end', ending: ack })
  return { steps }
}

/** Ignore and Reject: nothing is stored and nothing follows; the message goes, or goes back. */
export const followNothing = (requeue: boolean): Plan => ({
  steps: [{ do: 'end', ending: requeue ? { kind: 'requeue' } : ack }],
})

const stored = (
  { id, groupId, parentId }: Message,
  state: string,
  result: string,
  traceback: string | null,
  children: readonly ResultTuple[],
): Step => ({ do: 'store', taskId: id, state, result, traceback, children, groupId, parentId })

// ---------------------------------------------------------------------------------------------------
// Failure, in all its forms

/** A failure as it is told to everybody. */
export interface Failure {
  readonly state: 'FAILURE' | 'REVOKED'
  readonly info: ExceptionInfo
  readonly traceback: string | null
  /** Errbacks are called (not for revoked and expired tasks). */
  readonly errbacks: boolean
  readonly ending: Ending
}

export const failureOf = (error: unknown, ending: Ending = ack): Failure => ({
  state: 'FAILURE',
  info: toExceptionInfo(error),
  traceback: tracebackOf(error),
  errbacks: true,
  ending,
})

/** `reason` is Celery's word: revoked, expired, terminated. */
export const revokedBy = (reason: 'revoked' | 'expired' | 'terminated'): Failure => ({
  state: 'REVOKED',
  info: toExceptionInfo(new TaskRevokedError(reason)),
  traceback: null,
  errbacks: false,
  ending: ack,
})

/** Stores the failure here and for every step behind, reports to the chords, calls the errbacks. */
export const followFailure = (message: Message, failure: Failure, context: FollowContext): Plan => {
  const { state, info, traceback, ending } = failure
  const result = encodeException(info)
  const steps: Step[] = []
  const children = [...context.children]
  const store = !context.ignoreResult || context.storeErrorsEvenIfIgnored
  for (const json of message.embed.chain ?? []) {
    for (const end of endsOf(fromJSON(json)))
      if (store)
        steps.push({
          ...stored(message, state, result, traceback, []),
          taskId: end.id,
          groupId: end.groupId,
          parentId: null,
        } as Step)
    steps.push(...waitingPart(json, state, result))
  }
  const errbacks = message.embed.errbacks ?? []
  if (failure.errbacks && errbacks.length > 0)
    sendErrbacks(errbacks, message.id, info, traceback, message, context, steps, children)
  if (store) steps.push(stored(message, state, result, traceback, children))
  steps.push(...ownPart(message, state, result), { do: 'end', ending })
  return { steps }
}

/** The ids under which somebody may wait for a step that will never run: a chord or group has several. */
const endsOf = (node: Node): readonly { id: string; groupId: string | null }[] => {
  const own = node.options.taskId
  const here = own === undefined ? [] : [{ id: own, groupId: node.options.groupId ?? null }]
  switch (node.kind) {
    case 'chain':
      return node.tasks.flatMap(endsOf)
    case 'group':
      return node.tasks.flatMap(endsOf)
    case 'chord':
      return [...node.header.flatMap(endsOf), ...endsOf(node.body)]
    default:
      return here
  }
}

/** Always a message, never a call in place: its first argument is the failed id; the header tells the rest. */
const sendErrbacks = (
  errbacks: readonly SignatureJson[],
  failedId: string,
  info: ExceptionInfo,
  traceback: string | null,
  message: Message,
  context: FollowContext,
  steps: Step[],
  children: ResultTuple[],
): void => {
  const nodes = errbacks.map((json) => fromJSON(json))
  continueWith(
    groupOf(nodes),
    [failedId],
    {
      parentId: failedId,
      headers: { lovage_error: { id: failedId, task: message.task, ...info, traceback } },
    },
    message,
    context,
    steps,
    children,
  )
}

// ---------------------------------------------------------------------------------------------------
// The end of a chord

interface Member {
  readonly id: string
  readonly state: string
  readonly result: unknown
}

const readMember = (text: string): Member => {
  const member = decodeJson(text)
  if (!Array.isArray(member) || member.length < 4)
    throw new Error(`a part is not readable: ${text.slice(0, 80)}`)
  return { id: String(member[1]), state: String(member[2]), result: member[3] }
}

/** All parts of a chord are in: its body is sent with their results, or fails with the first bad one. */
export const followJoin = (
  message: Message,
  join: Omit<Join, 'completion'>,
  context: FollowContext,
): Plan => {
  const chord = chordOf(message, join)
  const key = { groupId: join.groupId, bodyId: join.bodyId }
  const end: Step[] = [
    { do: 'join', chord: key },
    { do: 'end', ending: ack },
  ]
  if (chord === undefined) return { steps: end }
  const body = fromJSON(chord)
  try {
    const members = join.members.map(readMember)
    const bad = members.find(({ state }) => state === 'FAILURE' || state === 'REVOKED')
    if (bad !== undefined) {
      const text = bad.result === null ? 'None' : reprException(readExceptionInfo(bad.result))
      return {
        steps: [
          ...failChord(body, new ChordError(`Dependency ${bad.id} raised ${text}`), message, context),
          ...end,
        ],
      }
    }
    const steps: Step[] = []
    continueWith(body, [members.map(({ result }) => result)], {}, message, context, steps, [])
    return { steps: [...steps, ...end] }
  } catch (error) {
    const failed = new ChordError(`Join error: ${reprException(toExceptionInfo(error))}`)
    return { steps: [...failChord(body, failed, message, context), ...end] }
  }
}

const chordOf = (
  { embed, groupId }: Message,
  { groupId: wanted, bodyId }: Omit<Join, 'completion'>,
): SignatureJson | undefined => {
  if (embed.chord !== null && groupId === wanted && bodyIdOf(fromJSON(embed.chord)) === bodyId)
    return embed.chord
  for (const json of embed.chain ?? []) {
    const chord = json.options?.['chord'] as SignatureJson | undefined
    if (chord != null && bodyIdOf(fromJSON(chord)) === bodyId) return chord
  }
  return undefined
}

/** The body never runs: everybody who waits for it, or for what stands behind it, is told. */
const failChord = (
  body: Node,
  error: ChordError,
  message: Message,
  context: FollowContext,
): readonly Step[] => {
  const info = toExceptionInfo(error)
  const result = encodeException(info)
  const traceback = tracebackOf(error)
  const steps: Step[] = []
  const children: ResultTuple[] = []
  const failedId = bodyIdOf(body)
  const waiting = [...endsOf(body), ...(body.options.chain ?? []).flatMap(endsOf)]
  const errbacks = lastOf(body).options.linkError ?? body.options.linkError ?? []
  if (errbacks.length > 0)
    continueWith(
      groupOf(errbacks),
      [failedId],
      { parentId: failedId, headers: { lovage_error: { id: failedId, ...info, traceback } } },
      message,
      context,
      steps,
      children,
    )
  for (const { id, groupId } of waiting)
    steps.push({
      do: 'store',
      taskId: id,
      state: 'FAILURE',
      result,
      traceback,
      children: id === failedId ? children : [],
      groupId,
      parentId: null,
    })
  const { chord, groupId, groupIndex } = reportOf(body)
  if (chord !== undefined && groupId !== undefined)
    steps.push({
      do: 'report',
      part: {
        groupId,
        bodyId: bodyIdOf(chord),
        taskId: failedId,
        index: groupIndex ?? null,
        member: memberText(failedId, 'FAILURE', result),
      },
    })
  return steps
}

/** To whom the end of a node reports: its place is written on the innermost end, the chord on any level above. */
const reportOf = (node: Node): Pick<SignatureOptions, 'chord' | 'groupId' | 'groupIndex'> => {
  const behind = node.options.chain?.[0]
  const inner =
    behind ?? (node.kind === 'chain' ? node.tasks.at(-1) : node.kind === 'chord' ? node.body : undefined)
  if (inner === undefined) return node.options
  const below = reportOf(inner)
  const chord = node.options.chord ?? below.chord
  return { ...below, ...(chord !== undefined && { chord }) }
}

const lastOf = (node: Node): Node => (node.kind === 'chain' ? lastOf(node.tasks.at(-1) as Node) : node)
