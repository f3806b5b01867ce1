// A rate as a user writes it, `10/m`, and the pace that it means.
import { right } from './either.js'
import { type Decode, refuse } from './config-decode.js'
import { ImproperlyConfigured } from './errors.js'

/** Starts in a second, or Celery's text: `'5/s'`, `'10/m'`, `'100/h'`, `'0.5/s'`. 0, null and '' are no limit. */
export type Rate = number | string | null

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

/** See runtime/pace.ts. */
interface Pace {
  readonly intervalMs: number
  readonly slackMs: number
}

/** What a timer cannot tell apart. */
const timerMs = 20

export const expectedRate = 'starts in a second, or "5/s", "10/m", "100/h" (0, null and "" are no limit)'

/** null is without limit, undefined is no rate at all. */
export const readRate = (rate: unknown): Pace | null | undefined => {
  if (rate === null || rate === '') return null
  if (typeof rate !== 'number' && typeof rate !== 'string') return undefined
  const [, number, unit = 's'] = /^\s*(\d+(?:\.\d+)?)\s*(?:\/\s*([smh])\s*)?$/.exec(String(rate)) ?? []
  const many = Number(number)
  if (number === undefined || !Number.isFinite(many)) return undefined
  if (many === 0) return null
  const intervalMs = (unitMs[unit] as number) / many
  return { intervalMs, slackMs: intervalMs < timerMs ? timerMs : 0 }
}

/** null is without limit. Throws ImproperlyConfigured; `owner` says whose rate it is. */
export const paceOf = (rate: unknown, owner: string): Pace | null => {
  const pace = readRate(rate)
  if (pace === undefined)
    throw new ImproperlyConfigured(
      `${owner}: expected ${expectedRate}, got ${JSON.stringify(rate) ?? String(rate)}.`,
    )
  return pace
}

/** The setting's value stays as it was written: it is shown so. */
export const decodeRate: Decode<Rate> = (value, at) =>
  readRate(value) === undefined ? refuse(at, expectedRate, value) : right(value as Rate)
