// How often a task may start: what it says itself, or the settings.
import { readRate } from '../../config-rate.js'
import type { Rates } from './limits.js'
import type { WorkerParts } from './parts.js'

/** undefined: the task cannot be run here. */
export const ratesOf = (
  task: string,
  { registry, settings }: Pick<WorkerParts, 'registry' | 'settings'>,
): Rates | undefined => {
  const definition = registry.get(task)
  if (definition?.run === undefined) return undefined
  const { rateLimit, globalRateLimit } = definition.options
  if (settings.disableRateLimits) return { own: null, global: null }
  const usual = task.startsWith('celery.') ? null : settings.defaultRateLimit
  return {
    own: readRate(rateLimit === undefined ? usual : rateLimit) ?? null,
    global: readRate(globalRateLimit ?? null) ?? null,
  }
}
