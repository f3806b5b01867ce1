// The words of a message's own end: its state, and that it is done with.
import type { Ending } from './consumer.js'
import type { Message } from './message.js'
import type { ResultTuple } from './meta.js'
import type { Step } from './plan.js'

export const ack: Ending = { kind: 'ack' }

/** The message's own state. `result` is JSON text. */
export const storeOwn = (
  { id, groupId, parentId }: Message,
  state: string,
  result: string,
  traceback: string | null,
  children: readonly ResultTuple[],
): Step => ({ do: 'store', taskId: id, state, result, traceback, children, groupId, parentId })
