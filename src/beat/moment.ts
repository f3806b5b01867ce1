// A moment as people write it and as a store keeps it, in Unix milliseconds. None is further away than the year
// 9999: with what is added to it (an interval, a jitter) it is still a Date, which can be shown.
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'

const furthestMs = Date.UTC(9999, 11, 31)

export const isMoment = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= furthestMs

/** A Date, or ISO text with an offset: without one it would be another moment on each machine. */
export function readMoment(given: unknown, place: string): number {
  const isText = typeof given === 'string' && /T.*(Z|[+-]\d\d:?\d\d)$/i.test(given) && hasItsDay(given)
  const ms = isText || given instanceof Date ? new Date(given).getTime() : Number.NaN
  if (isMoment(ms)) return ms
  throw new ImproperlyConfigured(
    `${place}: expected a valid Date or ISO text with an offset such as "2027-01-01T00:00:00Z", got ${show(given)}.`,
  )
}

/** Date takes the 31st of February for the 3rd of March. */
const hasItsDay = (text: string): boolean =>
  new Date(text.slice(0, 10)).getUTCDate() === Number(text.slice(8, 10))
