// Before the first message is taken: is this a server to work with?
import { ImproperlyConfigured } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Broker } from '../broker.js'

/** Says where the worker is connected, and what to beware of there. @throws ImproperlyConfigured with all that forbids it */
export const lookAtServer = async (broker: Broker, log: Logger): Promise<void> => {
  const { refusals, warnings, server } = await broker.inspect()
  if (refusals.length > 0) throw new ImproperlyConfigured(refusals.join(' '))
  log.info(`Connected to ${broker.url} (${server})`)
  for (const warning of warnings) log.warning(warning)
}
