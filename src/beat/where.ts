// Where a calendar schedule lives: the zone whose wall clock it reads, and what it does when that changes.
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import type { DstPolicy } from './schedule.js'
import { zoneOf } from './zone.js'

export interface WhereOptions {
  /** IANA zone; default: the entry's, then the app's, then UTC. */
  readonly timezone?: string | undefined
  /** At a fixed hour, when the clocks change; default: the entry's, then `once`. */
  readonly dst?: DstPolicy | undefined
}

/** @throws ImproperlyConfigured for a zone that nobody knows; `place` begins the sentence. */
export function checkZone(timezone: unknown, place: string): { timezone?: string } {
  if (timezone === undefined || timezone === null) return {}
  return { timezone: zoneOf(timezone as string, place).name }
}

export function checkDst(dst: unknown, place: string): { dst?: DstPolicy } {
  if (dst === undefined || dst === null) return {}
  if (dst === 'once' || dst === 'skip' || dst === 'twice') return { dst }
  throw new ImproperlyConfigured(`${place}: expected "once", "skip" or "twice", got ${show(dst)}.`)
}
