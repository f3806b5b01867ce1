// Two workers of one name: what is said to one is heard by both, and of their answers one is lost. So a worker that
// starts asks who answers to its own name, in the background, since silence takes its time; Celery's warning.
import type { Logger } from '../../log.js'
import { type ControlSource, ControlClient } from '../control/client.js'

/** What whoever gets two answers from one name is told; in Celery's words. */
const namesakesWarning = (names: readonly string[]): string =>
  `Received multiple replies from node ${names.length === 1 ? 'name' : 'names'}: ${names.join(', ')}. ` +
  'Please make sure you give each node a unique nodename using the worker `-n` option.'

/** Who has just begun is slow to answer where the machine is busy; and nobody waits for this. */
const silenceSeconds = 5

/** Call the answer when the worker stops: then nobody waits any more. */
export const lookForNamesakes = (
  hostname: string,
  source: ControlSource,
  log: Logger,
): (() => Promise<void>) => {
  let stop: () => void = () => undefined
  const patience = new Promise<void>((resolve) => {
    stop = resolve
  })
  const look = async (): Promise<void> => {
    try {
      const options = { destination: hostname, limit: 2, timeout: silenceSeconds }
      const answers = await new ControlClient(source).ask('ping', {}, options, patience)
      if (answers.length > 1) log.warning(namesakesWarning([hostname]))
    } catch (error) {
      // A broker that is away is told of by others.
      log.debug(`Whether another worker is called ${hostname} could not be asked: ${String(error)}`)
    }
  }
  const looked = look()
  return async () => {
    stop()
    await looked
  }
}
