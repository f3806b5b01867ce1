// The settings of an app as they were given, and what follows from them, made once for each change: all of them with
// their defaults, where messages go, who guards them.
import { givenSettings, mergeSettings, readSettings, type Settings, type SettingsInput } from './config.js'
import type { Registry } from './runtime/registry.js'
import { Router } from './runtime/router.js'
import { Guards } from './runtime/security/guard.js'

export class AppSettings {
  readonly #registry: Registry
  #input: SettingsInput
  #all: Settings | undefined
  #router: Router | undefined
  #guards: { readonly of: Guards | undefined } | undefined

  constructor(input: SettingsInput, registry: Registry) {
    this.#registry = registry
    this.#input = input
    // Wrong settings are told where they were written, not at the first use.
    readSettings(input)
  }

  get all(): Settings {
    this.#all ??= readSettings(this.#input)
    return this.#all
  }

  /** Names of those that were said. */
  get names(): ReadonlySet<string> {
    return givenSettings(this.#input)
  }

  get router(): Router {
    this.#router ??= new Router(this.all, this.#registry)
    return this.#router
  }

  /** Undefined where messages are neither signed nor encrypted. Throws for keys that cannot be read. */
  get guards(): Guards | undefined {
    this.#guards ??= { of: Guards.of(this.all) }
    return this.#guards.of
  }

  configure(input: SettingsInput): void {
    this.#input = mergeSettings(this.#input, input)
    this.#all = readSettings(this.#input)
    this.#router = undefined
    this.#guards = undefined
  }
}
