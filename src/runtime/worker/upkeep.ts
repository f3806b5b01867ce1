// What a worker looks after now and then, beside its work: purges that were cut off are ended, and what workflows left
// behind whose messages somebody else took away goes (Broker.sweep). Many workers may do so; few looks are made.
import type { Logger } from '../../log.js'
import type { Broker } from '../broker.js'
import { purgedQueue } from '../purged.js'

export interface UpkeepOptions {
  readonly broker: Broker
  /** Those that are consumed now. */
  readonly queues: () => readonly string[]
  /** Ends what was set aside of this queue. */
  readonly finish: (queue: string) => Promise<void>
  /** Seconds that results are kept; 0: for ever. */
  readonly resultExpires: number
  readonly log: Logger
}

const firstMs = 60_000
const everyMs = 600_000
const terms = { silentSeconds: 3600, everySeconds: 3600, settleSeconds: 5 }
/** Who still holds a part of a workflow where nobody sees it, such as a Python task that was acknowledged early, has ended by then. */
const leastSeconds = 7 * 86_400

/** Returns what stops it. */
export const startUpkeep = (options: UpkeepOptions): (() => void) => {
  let isOver = false
  const trying = (what: (options: UpkeepOptions) => Promise<void>): Promise<void> =>
    what(options).catch((error: unknown) => {
      // It is for later; whoever needs the broker for more says so himself.
      if (!isOver) options.log.debug(`Nothing was cleaned up this time: ${String(error)}`)
    })
  const look = async (): Promise<void> => {
    await trying(finishPurges)
    await trying(sweep)
    if (!isOver) timer = setTimeout(() => void look(), everyMs).unref()
  }
  let timer = setTimeout(() => void look(), firstMs).unref()
  void trying(finishPurges)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

const finishPurges = async ({ broker, queues, finish }: UpkeepOptions): Promise<void> => {
  for (const queue of queues()) if ((await broker.length(purgedQueue(queue))) > 0) await finish(queue)
}

const sweep = async ({ broker, resultExpires, log }: UpkeepOptions): Promise<void> => {
  const afterSeconds = Math.max(leastSeconds, resultExpires)
  const taken = await broker.sweep?.({ ...terms, afterSeconds })
  if (taken != null && taken.length > 0)
    log.warning(
      `Took away the pages and chords of ${taken.length} ${taken.length === 1 ? 'graph or group' : 'graphs and groups'} ` +
        `whose messages somebody took out of Redis more than ${Math.round(afterSeconds / 86_400)} days ago: ${some(taken)}.`,
    )
}

const some = (names: readonly string[]): string =>
  names.slice(0, 5).join(', ') + (names.length > 5 ? ' and others' : '')
