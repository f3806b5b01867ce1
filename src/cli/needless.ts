// Options of Celery's worker that change nothing here: a command line that is brought along starts one all the same, and
// its log says why nothing came of them.
import { type Command, Option } from 'commander'
import type { Logger } from '../log.js'

const needless = [
  [new Option('-S, --statedb <path>'), 'what is revoked lies in the broker, and outlives the worker there'],
  [new Option('--without-gossip'), 'workers do not gossip'],
  [new Option('--without-mingle'), 'what others would tell it, a worker finds in the broker'],
] as const

/** Not in --help. */
export const acceptNeedless = (command: Command): void => {
  for (const [option] of needless) command.addOption(option.hideHelp())
}

export const tellNeedless = (command: Command, log: Pick<Logger, 'info'>): void => {
  for (const [option, why] of needless)
    if (command.getOptionValue(option.attributeName()) !== undefined)
      log.info(`${option.long} changes nothing: ${why}.`)
}
