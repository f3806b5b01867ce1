// The last parts of chords came with a message: their bodies are sent with one more completion of it, or have failed.
import type { Logger } from '../../log.js'
import type { Completion, Ending } from '../consumer.js'
import type { FollowContext } from '../continue.js'
import { type Complete, followJoins } from '../follow-join.js'
import type { Plan } from '../plan.js'
import { type Completions, freeing } from './completions.js'
import { factsOf, type Held } from './held.js'
import type { Pages } from './pages.js'
import { reached } from './reached.js'

type Trouble = Parameters<typeof followJoins>[4]

export interface JoinMeans {
  readonly completions: Completions
  readonly pages: Pages
  readonly log: Logger
}

/** `ending` is the message's own. */
export const joinChords = async (
  held: Held,
  joins: readonly Complete[],
  ending: Ending,
  { completions, pages, log }: JoinMeans,
): Promise<Completion> => {
  const { message } = held
  const decide = async (context: FollowContext, trouble: Trouble): Promise<Plan> => {
    const { joins: opened, frees } = await pages.bodies(message, joins, trouble !== undefined)
    return freeing(followJoins(message, opened, ending, context, trouble), frees)
  }
  const join = async (trouble?: Trouble, context = completions.context(held)): Promise<Completion> =>
    completions.commit(held, await decide(context, trouble))
  const joinBySome = async (trouble?: Trouble): Promise<Completion> =>
    join(trouble, await reached(held, completions, log, (context) => decide(context, trouble)))
  try {
    return await join()
  } catch (error) {
    try {
      // It may be no body, but an errback of one that fails.
      return await joinBySome()
    } catch {
      log.error(`The body of a chord could not be sent: ${String(error)}`, factsOf(message))
    }
    try {
      return await joinBySome({ error, errbacks: true })
    } catch {
      return join({ error, errbacks: false })
    }
  }
}
