// The size of a worker's pool, from afar.
import { InvalidUsage } from '../../errors.js'
import type { Command, Node } from './node.js'

const count = (n: unknown): number => {
  const value = n ?? 1
  if (Number.isInteger(value) && (value as number) >= 1) return value as number
  throw new TypeError(`expected a whole number of at least 1, got ${JSON.stringify(value)}`)
}

const resize =
  (name: string, verb: 'grow' | 'shrink'): Command =>
  (node, { n }) => {
    if (node.autoscale !== undefined)
      return { error: `${name} is not supported with autoscale. Adjust autoscale range instead.` }
    try {
      node[verb](count(n))
    } catch (error) {
      // As Celery's pools say it that have one size.
      if (error instanceof InvalidUsage)
        return { error: `AttributeError("'TaskPool' object has no attribute '${verb}'")` }
      throw error
    }
    return { ok: `pool will ${verb}` }
  }

const autoscale: Command = (node: Node, { max, min }) => {
  const bounds = node.autoscale
  if (bounds === undefined) return { error: "ValueError('Autoscale not enabled')" }
  const most = max == null ? bounds.max : count(max)
  const least = min == null ? bounds.min : min === 0 ? 0 : count(min)
  // Celery takes them as they come, and its pool is then neither.
  if (least > most) return { error: `ValueError('autoscale: max=${most} is less than min=${least}')` }
  bounds.max = most
  bounds.min = least
  return { ok: `autoscale now max=${most} min=${least}` }
}

const poolRestart: Command = (node) => {
  if (!node.settings.workerPoolRestarts) return { error: "ValueError('Pool restarts not enabled')" }
  if (node.restartPool === undefined)
    return { error: `The pool ${node.pool.name} runs tasks in the worker itself: restart the worker.` }
  node.restartPool()
  return { ok: 'reload started' }
}

export const poolCommands: Readonly<Record<string, Command>> = {
  pool_grow: resize('pool_grow', 'grow'),
  pool_shrink: resize('pool_shrink', 'shrink'),
  autoscale,
  pool_restart: poolRestart,
}
