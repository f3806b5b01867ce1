// What a child of a pool is told to load, and whether it has what its worker has.
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SettingsInput } from './config.js'
import { ImproperlyConfigured } from './errors.js'
import { type Logger, type LogLevel, logLevels } from './log.js'
import type { Json } from './pools/pool.js'
import type { Registry } from './runtime/registry.js'
import type { WorkerOptions } from './runtime/worker/options.js'

/** The first word to a child. */
export interface ChildCargo {
  /** The app's name: a module may make several. */
  readonly app: string
  /** Files, in this order. */
  readonly modules: readonly string[]
  readonly settings: SettingsInput | null
  readonly hostname: string
  /** The broker's URL, where it is in the worker's memory and is reached through the worker. */
  readonly far: string | null
  /** Levels whose lines go anywhere. */
  readonly levels: readonly LogLevel[]
}

/** What it answers when it has loaded. */
export interface ChildFacts {
  readonly tasks: readonly string[]
}

/** This library's own files, as stacks name them. */
const ours = [new URL('.', import.meta.url).href, fileURLToPath(new URL('.', import.meta.url))]

/** The file that called into this library, by the stack of this moment. */
export const callingModule = (): string | undefined => {
  for (const line of (new Error().stack ?? '').split('\n').slice(1)) {
    const place = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\).*?):\d+:\d+\)?$/.exec(line)?.[1]
    if (place === undefined || ours.some((root) => place.startsWith(root))) continue
    return place.startsWith('file:') ? fileURLToPath(place) : place
  }
  return undefined
}

const pathOf = (module: string | URL): string =>
  module instanceof URL || module.startsWith('file:') ? fileURLToPath(module) : resolve(module)

export const childCargo = (
  app: { readonly name: string; readonly module: string | undefined },
  registry: Registry,
  { pool, module = app.module, moduleSettings }: WorkerOptions,
  hostname: string,
  log: Logger,
  brokerUrl: string | undefined,
): { readonly cargo: Json; readonly check: (facts: Json) => void } => {
  if (module === undefined)
    throw new ImproperlyConfigured(
      `A child of the pool ${pool} loads the module that makes the app and its tasks, and which one that is cannot be ` +
        "seen here. Say it: app.worker({ module: new URL('./tasks.js', import.meta.url) }).",
    )
  const modules = [module].flat().map((item) => {
    if (typeof item === 'string' || item instanceof URL) return pathOf(item)
    throw new ImproperlyConfigured(
      `Option module of a worker: expected paths or URLs of modules, got ${typeof item}.`,
    )
  })
  const cargo: ChildCargo = {
    app: app.name,
    modules,
    settings: moduleSettings ?? null,
    hostname,
    far: brokerUrl?.startsWith('memory:') === true ? brokerUrl : null,
    levels: logLevels.filter((level) => log.enabled(level)),
  }
  const check = (facts: Json): void => {
    const { tasks } = facts as unknown as ChildFacts
    const missing = registry.names().filter((name) => !tasks.includes(name))
    if (missing.length === 0) return
    throw new ImproperlyConfigured(
      `A child of the pool ${pool} has loaded ${modules.join(', ')} and does not know ${missing.slice(0, 5).join(', ')}` +
        `${missing.length > 5 ? ` and ${missing.length - 5} more tasks` : ''}, which this worker knows. ` +
        'Name the modules that make all of its tasks: app.worker({ module: […] }).',
    )
  }
  return { cargo: cargo as unknown as Json, check }
}
