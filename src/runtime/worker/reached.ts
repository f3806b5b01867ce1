// The errbacks of a failure are sent with its end, in one step. One that cannot be sent (no queue, no such signature)
// must take neither the failure nor the other errbacks with it: here each is tried alone, and who is reached is told.
import { DistinctNodes } from '../../canvas/distinct.js'
import type { Node } from '../../canvas/node.js'
import { print } from '../../canvas/print.js'
import type { Logger } from '../../log.js'
import type { FollowContext } from '../continue.js'
import { callErrbacks, failureOf } from '../follow-failure.js'
import { ack } from '../own-end.js'
import type { Plan } from '../plan.js'
import type { Completions } from './completions.js'
import { type Held, nameOf, toldBy } from './held.js'

/** The context in which `plan` calls only those of its errbacks that can be sent; the log has the others. */
export const reached = async (
  held: Held,
  completions: Pick<Completions, 'context' | 'commit'>,
  log: Pick<Logger, 'error'>,
  plan: (context: FollowContext) => Plan | Promise<Plan>,
): Promise<FollowContext> => {
  const { message } = held
  const context = completions.context(held)
  const met = new DistinctNodes()
  const meet = (errback: Node): boolean => {
    met.add(errback)
    return false
  }
  await plan({ ...context, calls: meet })
  const lost = new DistinctNodes()
  for (const errback of met)
    try {
      const failure = failureOf(new Error('tried'))
      const { steps } = callErrbacks([errback], message.id, failure, message.rootId, message, context)
      await completions.commit(held, { steps: [...steps, { do: 'end', ending: ack }] })
    } catch (error) {
      lost.add(errback)
      log.error(
        `Task ${nameOf(message)}: the errback ${print(errback)} could not be sent: ${String(error)}`,
        toldBy(held),
      )
    }
  return { ...context, calls: (errback) => !lost.has(errback) }
}
