// Lengths of time as people write them: 30, '5m', '1h30m', { minutes: 5 }. To whole milliseconds.
import { nearest, show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'

/** Seconds, a text of numbers with units (`ms s m h d w`), or an object of units. */
export type Interval = number | string | IntervalUnits

export interface IntervalUnits {
  readonly weeks?: number
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const nameMs: Readonly<Record<keyof IntervalUnits, number>> = {
  weeks: unitMs.w,
  days: unitMs.d,
  hours: unitMs.h,
  minutes: unitMs.m,
  seconds: unitMs.s,
  milliseconds: unitMs.ms,
}

/** As far as a calendar looks ahead, and near enough for a tick to be a Date. */
const mostDays = 36_525

/** The milliseconds of an interval, 0 to 100 years. @throws ImproperlyConfigured; `place` begins the sentence. */
export function intervalMs(given: unknown, place: string): number {
  const ms = typeof given === 'number' ? given * 1000 : fromParts(given, place)
  if (!Number.isFinite(ms) || ms < 0) throw wrong(given, place)
  if (ms > mostDays * unitMs.d)
    throw new ImproperlyConfigured(`${place}: expected at most ${mostDays} days, got ${show(given)}.`)
  return Math.round(ms)
}

function fromParts(given: unknown, place: string): number {
  if (typeof given === 'string') {
    if (!/^\s*(\d+(\.\d+)?\s*(ms|[smhdw])\s*)+$/.test(given)) throw wrong(given, place)
    const parts = given.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[smhdw])/g)
    return [...parts].reduce((sum, [, n, unit]) => sum + Number(n) * unitMs[unit as keyof typeof unitMs], 0)
  }
  if (typeof given !== 'object' || given === null || Object.keys(given).length === 0)
    throw wrong(given, place)
  let sum = 0
  for (const [name, n] of Object.entries(given)) {
    if (!Object.hasOwn(nameMs, name)) {
      const near = nearest(name, Object.keys(nameMs))
      throw new ImproperlyConfigured(
        `${place}: there is no unit "${name}". ${near === undefined ? `Expected ${Object.keys(nameMs).join(', ')}.` : `Did you mean ${near}?`}`,
      )
    }
    if (typeof n !== 'number' || !Number.isFinite(n))
      throw new ImproperlyConfigured(`${place}: ${name}: expected a number, got ${show(n)}.`)
    sum += n * nameMs[name as keyof IntervalUnits]
  }
  return sum
}

const wrong = (given: unknown, place: string): ImproperlyConfigured =>
  new ImproperlyConfigured(
    `${place}: expected seconds, a text such as "5m" or "1h30m", or units such as { minutes: 5 }, got ${show(given)}.`,
  )

/** `90_000` is `1m30s`; nothing is `0s`. */
export function showInterval(ms: number): string {
  let rest = ms
  const parts = (['d', 'h', 'm', 's', 'ms'] as const).map((unit) => {
    const n = Math.floor(rest / unitMs[unit])
    rest -= n * unitMs[unit]
    return n === 0 ? '' : `${n}${unit}`
  })
  return parts.join('') || '0s'
}
