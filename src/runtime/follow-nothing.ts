// Ignore and Reject: nothing is stored and nothing follows, and the message goes, or goes back. Only a chord that
// waits for the task, or for what stands behind it, is told that this will never come: it fails, where Celery's
// would wait for ever.
import { fromJSON } from '../canvas/wire.js'
import { encodeException, toExceptionInfo } from './failure.js'
import { abandon } from './follow-failure.js'
import type { Message } from './message.js'
import { ack } from './own-end.js'
import { ownPlace, partOf } from './parts.js'
import type { Plan, Step } from './plan.js'

/** Back to its queue, as if it had not run. */
export const followBack = (): Plan => ({ steps: [{ do: 'end', ending: { kind: 'requeue' } }] })

/** `word` is what the task threw. */
export const followNothing = (message: Message, word: unknown): Plan => {
  const end: Step = { do: 'end', ending: ack }
  const place = ownPlace(message)
  const behind = message.embed.chain ?? []
  if (place === undefined && behind.length === 0) return { steps: [end] }
  const result = encodeException(toExceptionInfo(word))
  const own: readonly Step[] =
    place === undefined ? [] : [{ do: 'report', part: partOf(place, 'FAILURE', result) }]
  const reports = abandon(
    behind.map((json) => fromJSON(json)),
    'FAILURE',
    result,
    null,
    () => false,
  )
  return { steps: [...own, ...reports, end] }
}
