// What crosses between a worker and the children of its pool: a message as it came, an outcome as JSON. Values
// cross as the wire's own text, so that what a task returns is the same whoever ran it.
import { make, type Node, type SignatureOptions } from '../../canvas/node.js'
import { fromJSON, type SignatureJson, toJSON } from '../../canvas/wire.js'
import { Ignore, Reject, Retry, type RetryOptions, WorkerShutdown } from '../../errors.js'
import type { Json, Outcome } from '../../pools/pool.js'
import { type Addition, noAdditions } from '../addition.js'
import type { Delivery } from '../consumer.js'
import type { TaskContext } from '../context.js'
import { ErrorElsewhere, kindsOf } from '../error-elsewhere.js'
import { decodeException, encodeException, toExceptionInfo, tracebackOf } from '../failure.js'
import { decodeJson, encodeValue } from '../json.js'
import type { ResultTuple } from '../meta.js'
import { resultText } from '../result-text.js'

/** A job on its way to a child. */
export type Parcel = readonly [raw: string, attempts: number, redelivered: boolean, ignoreResult: boolean]

export const packDelivery = (
  { raw, attempts, redelivered }: Pick<Delivery, 'raw' | 'attempts' | 'redelivered'>,
  ignoreResult: boolean,
): Parcel => [raw.toString(), attempts, redelivered, ignoreResult]

/** A question of a running task: store this state, send this event. What its user gave is the wire's text. */
export type Question =
  | readonly [ask: 'store', state: string, meta: string]
  | readonly [ask: 'event', type: string, fields: string, pid: number]

type PackedError = readonly [exception: string, traceback: string | null, kinds: readonly string[]]

/** What the task sent, and what it wants to be sent with its end; mostly nothing. */
type PackedTraces = null | readonly [sent: readonly ResultTuple[], added: readonly PackedAddition[]]

type PackedAddition =
  | readonly ['send', node: string, args: string, options: string, toChord: boolean]
  | readonly ['join', body: string, members: readonly string[]]

type PackedOutcome =
  | readonly ['success', traces: PackedTraces, value: string]
  | readonly ['failure', traces: PackedTraces, error: PackedError]
  | readonly [
      'retry',
      traces: PackedTraces,
      message: string,
      options: string,
      error: PackedError | null,
      stack: string | null,
    ]
  | readonly ['replace', traces: PackedTraces, node: string]
  | readonly ['ignore', traces: PackedTraces, message: string]
  | readonly ['reject', traces: PackedTraces, reason: string, requeue: boolean]
  | readonly ['aborted', traces: null]

/** What a run leaves behind besides its outcome. */
export type Traces = Pick<TaskContext, 'sent' | 'added'>

const noTraces: Traces = { sent: [], added: noAdditions }

// ---------------------------------------------------------------------------------------------------
// In the child

/** A value that cannot travel is a failure. */
export const packOutcome = (outcome: Outcome, traces: Traces | undefined, task: string): Json => {
  try {
    return pack(outcome, packTraces(traces, task), task) as unknown as Json
  } catch (error) {
    const sent = traces?.sent ?? []
    const failure: PackedOutcome = ['failure', [sent, []], packError(error)]
    return failure as unknown as Json
  }
}

const pack = (outcome: Outcome, traces: PackedTraces, task: string): PackedOutcome => {
  switch (outcome.kind) {
    case 'success':
      return ['success', traces, resultText(outcome.value, task)]
    case 'retry': {
      const retry = outcome.error as Retry
      const { error, ...options } = retry.options
      const cause = error === undefined ? null : packError(error)
      return [
        'retry',
        traces,
        retry.message,
        encodeValue(options, `the retry of ${task}`),
        cause,
        tracebackOf(retry),
      ]
    }
    case 'replace':
      return ['replace', traces, packNode(outcome.signature as Node, `what replaces ${task}`)]
    case 'ignore':
      return ['ignore', traces, (outcome.error as Ignore).message]
    case 'reject': {
      const { message, requeue } = outcome.error as Reject
      return ['reject', traces, message, requeue]
    }
    case 'failure':
      return ['failure', traces, packError(outcome.error)]
    default:
      return ['aborted', null]
  }
}

const packError = (error: unknown): PackedError => [
  encodeException(toExceptionInfo(error)),
  tracebackOf(error),
  kindsOf(error),
]

const packNode = (node: Node, where: string): string => encodeValue(toJSON(node), where)

const packTraces = (traces: Traces | undefined, task: string): PackedTraces => {
  if (traces === undefined || (traces.sent.length === 0 && traces.added.length === 0)) return null
  const where = `what ${task} adds`
  const added = traces.added.map((addition): PackedAddition => {
    if (addition.do === 'join') return ['join', packNode(addition.body, where), addition.members]
    const { node, args, options, toChord = false } = addition
    return [
      'send',
      packNode(node, where),
      encodeValue(args, where),
      packNode(carrying(options), where),
      toChord,
    ]
  })
  return [traces.sent, added]
}

/** Options may hold signatures, which only a signature can write. */
const carrying = (options: SignatureOptions): Node =>
  make({ kind: 'task', task: 'options', args: [], kwargs: {}, options, immutable: false })

// ---------------------------------------------------------------------------------------------------
// In the parent

export const unpackOutcome = (json: Json): Traces & { readonly outcome: Outcome } => {
  const packed = json as unknown as PackedOutcome
  return { ...unpackTraces(packed[1]), outcome: unpack(packed) }
}

const unpack = (packed: PackedOutcome): Outcome => {
  switch (packed[0]) {
    case 'success':
      return { kind: 'success', value: decodeJson(packed[2]) }
    case 'retry': {
      const options = decodeJson(packed[3]) as RetryOptions
      const error = packed[4] === null ? {} : { error: unpackError(packed[4]) }
      const retry = new Retry({ ...options, ...error }, packed[2])
      if (packed[5] !== null) retry.stack = packed[5]
      return { kind: 'retry', error: retry }
    }
    case 'replace':
      return { kind: 'replace', signature: unpackNode(packed[2]) }
    case 'ignore':
      return { kind: 'ignore', error: new Ignore(packed[2]) }
    case 'reject':
      return { kind: 'reject', error: new Reject(packed[2], { requeue: packed[3] }) }
    case 'failure':
      return { kind: 'failure', error: unpackError(packed[2]) }
    default:
      return { kind: 'aborted', error: new WorkerShutdown('The run was aborted.') }
  }
}

const unpackError = ([exception, traceback, kinds]: PackedError): unknown => {
  const info = decodeException(exception)
  // Something was thrown that is no error: its text says as much.
  return traceback === null ? info.exc_message[0] : new ErrorElsewhere(info, traceback, kinds)
}

const unpackNode = (text: string): Node => fromJSON(decodeJson(text) as SignatureJson)

const unpackTraces = (traces: PackedTraces): Traces => {
  if (traces === null) return noTraces
  const [sent, packed] = traces
  const added = packed.map((addition): Addition => {
    if (addition[0] === 'join') return { do: 'join', body: unpackNode(addition[1]), members: addition[2] }
    const [, node, args, options, toChord] = addition
    return {
      do: 'send',
      node: unpackNode(node),
      args: decodeJson(args) as readonly unknown[],
      options: unpackNode(options).options,
      toChord,
    }
  })
  return { sent: [...sent], added }
}
