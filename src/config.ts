// Settings: what the user wrote → a frozen record with every setting, or ImproperlyConfigured. The settings
// themselves stand in config-table.ts, one row each.
import { isLeft, right } from './either.js'
import { olderBeginnings, olderNames, refusals, withoutEffect } from './config-celery.js'
import { didYouMean, show, toCamel } from './config-decode.js'
import type { QueueSettings } from './config-routes.js'
import type { Row } from './config-row.js'
import { table } from './config-table.js'
import { ImproperlyConfigured } from './errors.js'

export type { ExchangeType, QueueSettings, RouteOptions } from './config-routes.js'

type Table = typeof table
type Snake<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? Head extends Lowercase<Head>
    ? `${Head}${Snake<Tail>}`
    : `_${Lowercase<Head>}${Snake<Tail>}`
  : ''
type InputOf<R> = R extends Row<infer _A, infer Input> ? Input : never

/** Every setting, decoded; defaults filled in. */
export type Settings = {
  readonly [K in keyof Table]: Table[K] extends Row<infer A, infer _Input> ? A : never
}

type CamelInput = { readonly [K in keyof Table]?: InputOf<Table[K]> | undefined }
type SnakeInput = { readonly [K in keyof Table as Snake<K>]?: InputOf<Table[K]> | undefined }

/** What a user may write: any settings, in camelCase or as Celery spells them. */
export interface SettingsInput extends CamelInput, SnakeInput {
  /** Short for `brokerUrl`. */
  readonly broker?: string | null | undefined
  /** Short for `resultBackend`. */
  readonly backend?: string | null | undefined
}

const rows = table as unknown as Readonly<Record<string, Row<unknown, unknown>>>
const isSetting = (name: string): boolean => Object.hasOwn(rows, name)
const isKnown = (name: string): boolean =>
  isSetting(name) || Object.hasOwn(refusals, name) || Object.hasOwn(withoutEffect, name)

/** The setting that a name means, in any of its spellings; undefined when it means none. */
export const settingName = (given: string): string | undefined => {
  if (isKnown(given)) return given
  if (Object.hasOwn(olderNames, given)) return olderNames[given]
  const isUpper = /^[A-Z0-9_]+$/.test(given)
  const lower = isUpper ? given.toLowerCase() : given.replace(/^celery_/, '')
  return [lower, ...(isUpper ? sinceVersion4(lower) : [])].map(toCamel).find(isKnown)
}

const sinceVersion4 = (lower: string): readonly string[] =>
  Object.entries(olderBeginnings).flatMap(([before, since]) =>
    lower.startsWith(before) ? since.map((beginning) => beginning + lower.slice(before.length)) : [],
  )

const unknown = (given: string): ImproperlyConfigured => {
  const known = [...Object.keys(rows), ...Object.keys(refusals), 'broker', 'backend']
  return new ImproperlyConfigured(`Unknown setting "${given}".${didYouMean(toCamel(given), known)}`)
}

/** Name → value as it was given, with one spelling each. */
const collect = (input: SettingsInput): ReadonlyMap<string, unknown> => {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ImproperlyConfigured(
      `Settings: expected an object such as { broker: 'redis://localhost:6379/0' }, got ${show(input)}.`,
    )
  const given = new Map<string, { readonly as: string; readonly value: unknown }>()
  for (const [as, value] of Object.entries(input)) {
    const name = settingName(as)
    if (name === undefined) throw unknown(as)
    if (value === undefined) continue
    const before = given.get(name)
    if (before !== undefined && before.value !== value)
      throw new ImproperlyConfigured(
        `${before.as} and ${as} are the same setting, with two values: ${show(before.value)} and ${show(value)}. Keep one.`,
      )
    given.set(name, { as, value })
  }
  return new Map([...given].map(([name, { value }]) => [name, value]))
}

/** The settings that somebody wrote, by our names. */
export const givenSettings = (input: SettingsInput): ReadonlySet<string> => new Set(collect(input).keys())

/** One input out of two: where both say something, in whatever spelling, the second counts. */
export const mergeSettings = (first: SettingsInput, second: SettingsInput): SettingsInput =>
  Object.fromEntries([...collect(first), ...collect(second)]) as SettingsInput

/** What the environment says where the user said nothing. */
const fromEnvironment = (
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined => {
  if (name === 'brokerUrl') return env.LOVAGE_BROKER_URL || env.CELERY_BROKER_URL || undefined
  if (name === 'resultBackend') return env.LOVAGE_RESULT_BACKEND || env.CELERY_RESULT_BACKEND || undefined
  return undefined
}

/** What a text says to a setting: the first of its readings that the setting takes. None: the first, for its sentence. */
export const readingFor = (given: string, readings: readonly unknown[]): unknown => {
  const name = settingName(given)
  if (name === undefined) return readings[0]
  const takes = (value: unknown): boolean =>
    isSetting(name)
      ? rows[name]?.decode(value, name)._tag === 'Right'
      : (refusals[name]?.but.includes(value) ?? true)
  return readings.find(takes) ?? readings[0]
}

/** Reads settings. Throws ImproperlyConfigured with one sentence for the first that is wrong. */
export const readSettings = (
  input: SettingsInput = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Settings => {
  const given = collect(input)
  for (const [name, value] of given) {
    const refusal = refusals[name]
    if (refusal !== undefined && !refusal.but.includes(value))
      throw new ImproperlyConfigured(`${name}: ${refusal.say}.`)
  }
  const settings: Record<string, unknown> = {}
  for (const [name, { decode, default: fallback }] of Object.entries(rows)) {
    const value = given.get(name) ?? fromEnvironment(name, env) ?? given.get(name)
    const decoded = value === undefined ? right(fallback) : decode(value, name)
    if (isLeft(decoded)) throw new ImproperlyConfigured(decoded.left)
    settings[name] = decoded.right
  }
  return Object.freeze(settled(settings as Settings))
}

/** Settings that stand for others. */
const settled = (settings: Settings): Settings =>
  settings.workerDisablePrefetch ? { ...settings, workerPrefetchMultiplier: 1 } : settings

/** The queues that a program knows: those of `taskQueues`, and the default one if it is not among them. */
export const declaredQueues = (settings: Settings): ReadonlyMap<string, QueueSettings> => {
  const { taskQueues, taskDefaultQueue: name, taskDefaultExchange, taskDefaultRoutingKey } = settings
  if (taskQueues.has(name)) return taskQueues
  const exchange = taskDefaultExchange ?? name
  const routingKey = taskDefaultRoutingKey ?? name
  return new Map([
    ...taskQueues,
    [name, { name, exchange, exchangeType: 'direct', routingKey, shared: undefined, signed: undefined }],
  ])
}
