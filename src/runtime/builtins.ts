// The tasks that every Celery worker knows, so that a canvas from Python runs here unchanged. Map and starmap
// call a task's code in place; accumulate joins what a group gave; those that send canvases stand in
// builtins-canvas.ts.
import { InvalidTaskError, InvalidUsage, isReplace } from '../errors.js'
import { canvasBuiltins } from './builtins-canvas.js'
import { contextStorage } from './context.js'
import type { Registry } from './registry.js'
import type { ResultSource } from './result-source.js'

const innerTask = (registry: Registry, task: unknown): ((...args: unknown[]) => Promise<unknown>) => {
  const name = (task as { task?: unknown } | undefined)?.task
  if (typeof name !== 'string')
    throw new InvalidTaskError(`Expected a signature as "task", got ${JSON.stringify(task) ?? 'nothing'}`)
  const { run } = registry.runnable(name)
  return async (...args) => {
    const value: unknown = await run.apply(contextStorage.getStore(), args)
    if (isReplace(value))
      throw new InvalidUsage(`${name} is called by a map, in which nothing can take the place of one call.`)
    return value
  }
}

const list = (items: unknown): readonly unknown[] => {
  if (!Array.isArray(items))
    throw new InvalidTaskError(`Expected a list as "it", got ${JSON.stringify(items)}`)
  return items
}

/** `source`: where results lie; asked when a task wants them. */
export const registerBuiltins = (registry: Registry, source: () => ResultSource): void => {
  registry.add({ name: 'celery.backend_cleanup', run: () => null, options: {} })
  registry.add({
    name: 'celery.accumulate',
    // Arguments first, then { index } as the trailing object of keywords.
    run: (...args: unknown[]) => {
      const last = args.at(-1)
      const index = isIndex(last) ? last.index : undefined
      const values = isIndex(last) ? args.slice(0, -1) : args
      return index === undefined || index === null ? values : values[index]
    },
    options: {},
  })
  registry.add({
    name: 'celery.map',
    run: async (task: unknown, items: unknown) => {
      const call = innerTask(registry, task)
      const results: unknown[] = []
      for (const item of list(items)) results.push(await call(item))
      return results
    },
    options: { params: ['task', 'it'] },
  })
  registry.add({
    name: 'celery.starmap',
    run: async (task: unknown, items: unknown) => {
      const call = innerTask(registry, task)
      const results: unknown[] = []
      for (const row of list(items)) results.push(await call(...list(row)))
      return results
    },
    options: { params: ['task', 'it'] },
  })
  for (const definition of canvasBuiltins(source)) registry.add(definition)
}

const isIndex = (value: unknown): value is { readonly index?: number | null } =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  Object.keys(value).join() === 'index'
