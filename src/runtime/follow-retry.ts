// A task asked to be sent again: the same message with one more retry, held until it is due.
import type { Retry, RetryOptions } from '../errors.js'
import type { FollowContext } from './continue.js'
import { encodeException, toExceptionInfo, tracebackOf } from './failure.js'
import type { Message, Moment } from './message.js'
import { ack, storeOwn } from './own-end.js'
import { momentAt } from './outgoing.js'
import type { Outgoing, Plan, Step } from './plan.js'
import { redactedArgs, redactedKwargs } from './redaction.js'

const etaOf = ({ eta, countdown = 0 }: RetryOptions, nowMs: number): Moment | null => {
  if (eta !== undefined) return momentAt(eta.getTime())
  return countdown > 0 ? momentAt(nowMs + countdown * 1000) : null
}

const expiresOf = ({ expires }: RetryOptions, message: Message, nowMs: number): Moment | null => {
  if (expires === undefined) return message.expires
  return momentAt(expires instanceof Date ? expires.getTime() : nowMs + expires * 1000)
}

const again = (message: Message, options: RetryOptions, { queue, nowMs }: FollowContext): Outgoing => ({
  task: message.task,
  id: message.id,
  args: options.args ?? message.args,
  kwargs: options.kwargs ?? message.kwargs,
  embed: message.embed,
  rootId: message.rootId,
  // As in Celery: a task that is tried again is its own parent, unless it has one.
  parentId: message.parentId ?? message.id,
  groupId: message.groupId,
  groupIndex: message.groupIndex,
  retries: message.retries + 1,
  eta: etaOf(options, nowMs),
  expires: expiresOf(options, message, nowMs),
  timeLimit: options.timeLimit ?? message.timeLimit,
  softTimeLimit: options.softTimeLimit ?? message.softTimeLimit,
  shadow: message.shadow,
  argsrepr: redactedArgs(message),
  kwargsrepr: redactedKwargs(message),
  ...(message.ignoreResult !== null && { ignoreResult: message.ignoreResult }),
  replacedTaskNesting: message.replacedTaskNesting,
  stampedHeaders: message.stampedHeaders,
  stamps: message.stamps,
  headers: { ...message.headers, ...options.headers },
  queue: options.queue ?? queue,
  priority: options.priority ?? message.priority,
  ...(message.replyTo !== null && { replyTo: message.replyTo }),
  // Only our own queue may hold it for us: who consumes another one is not known here.
  hold: options.queue === undefined || options.queue === queue,
})

export const followRetry = (message: Message, retry: Retry, context: FollowContext): Plan => {
  const { error } = retry.options
  const cause = error === undefined ? 'null' : encodeException(toExceptionInfo(error))
  const itself = [[message.id, null], null] as const
  const children = [...context.children, itself]
  const stored: Step[] = context.ignoreResult
    ? []
    : [storeOwn(message, 'RETRY', cause, tracebackOf(retry), children)]
  return {
    steps: [
      { do: 'publish', message: again(message, retry.options, context) },
      ...stored,
      { do: 'end', ending: ack },
    ],
  }
}
