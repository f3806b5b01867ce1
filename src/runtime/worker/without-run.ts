// Messages that end here and run nothing: too late, revoked, refused, of the library itself, or ended long ago.
import { InvalidTaskError } from '../../errors.js'
import type { Consumer, Delivery, Ending } from '../consumer.js'
import type { Complete } from '../follow-join.js'
import { stageIn } from '../stage.js'
import { bare, type Ended } from './ended.js'
import type { Ends } from './ends.js'
import type { Held } from './held.js'
import type { Readable } from './intake.js'
import type { Reports } from './reports.js'
import type { Telling } from './telling.js'

export interface WithoutRun {
  readonly consumer: Pick<Consumer, 'unstage'>
  readonly ends: Ends
  readonly reports: Pick<Reports, 'revoked'>
  readonly telling: Telling
}

export const endWithoutRun = async (
  intake: Exclude<Readable, { kind: 'run' }>,
  delivery: Delivery,
  means: WithoutRun,
): Promise<Ended> => {
  const { ends, reports, telling } = means
  const { held } = intake
  if (intake.kind === 'resume') return { completion: await ends.ofResume(held), held }
  if (intake.kind === 'release') return release(held, means)
  if (intake.kind === 'news') return { completion: await ends.ofNews(held), held }
  if (intake.kind !== 'fail') {
    const how = { expired: intake.kind === 'expired', terminated: false, signum: null }
    telling.revoked(held, delivery, how)
    reports.revoked(held, how)
    return { completion: await ends.ofRevoked(held, intake.kind), held }
  }
  const { id, task } = held.message
  const { error, dead } = intake
  telling.refused(held, delivery, error)
  const ending: Ending | undefined =
    dead === undefined
      ? undefined
      : { kind: 'dead', reason: dead, taskId: id, task, starts: delivery.attempts }
  return { completion: await ends.ofFailure(held, error, ending), held }
}

/** Moves what was staged to its queues. Whoever is killed meanwhile leaves the rest to the redelivery. */
const release = async (held: Held, { consumer, ends }: WithoutRun): Promise<Ended> => {
  const staged = stageIn(held.message)
  if (staged === undefined || consumer.unstage === undefined) {
    const error = new InvalidTaskError('Expected the name of a stage and its queues in the message.')
    return { completion: await ends.ofFailure(held, error), held }
  }
  for (const [list, [queue, priority]] of staged.targets.entries())
    while ((await consumer.unstage({ stage: staged.stage, list, queue, priority })) > 0);
  return bare(held.tag, { kind: 'ack' })
}

/** Its end was committed before its worker died: only chord bodies may still be missing. */
export const finishOld = async (
  held: Held,
  joins: readonly Complete[],
  { ends }: Pick<WithoutRun, 'ends'>,
): Promise<Ended> => {
  if (joins.length === 0) return bare(held.tag, { kind: 'ack' })
  return { completion: await ends.ofJoins(held, joins, { kind: 'ack' }), held }
}
