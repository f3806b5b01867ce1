// The next matching moment in a zone, over the changes of its clocks. On one stretch of constant offset wall
// time is time, so the walk goes stretch by stretch, and what happens at a change is decided here alone.
import type { NextWall } from './calendar.js'
import type { DstPolicy } from './schedule.js'
import type { Zone } from './zone.js'

/** What becomes of wall times that a change of the clocks left out, or showed twice. */
export interface ChangePolicy {
  readonly missing: 'shift' | 'drop'
  readonly repeated: 'first' | 'both'
}

/** Hours that go round the clock follow real time: whatever the wall shows counts, each time that it shows it. */
export const realTime: ChangePolicy = { missing: 'drop', repeated: 'both' }

export const policies: Readonly<Record<DstPolicy, ChangePolicy>> = {
  once: { missing: 'shift', repeated: 'first' },
  skip: { missing: 'drop', repeated: 'first' },
  twice: { missing: 'shift', repeated: 'both' },
}

/** More than any zone is away from UTC, with a day for a change of the date line. */
const mostOffsetMs = 48 * 3_600_000
/** The end of the year 9999: nobody plans further, and a Date ends somewhere. */
const lastMs = Date.UTC(10_000, 0)

/** The first moment strictly after `afterMs` whose wall time in the zone matches; null when there is none. */
export function nextInZone(
  zone: Zone,
  afterMs: number,
  nextWall: NextWall,
  policy: ChangePolicy,
): number | null {
  let fromMs = Math.floor(afterMs) + 1
  while (fromMs < lastMs) {
    const { fromMs: changeMs, untilMs, offsetMs, offsetBeforeMs } = zone.stretchAt(fromMs)

    // What the clocks jumped over runs as late as the clocks jumped far.
    const gapMs = policy.missing === 'shift' ? Math.max(0, offsetMs - offsetBeforeMs) : 0
    const shifted = fromMs < changeMs + gapMs ? nextWall(fromMs + offsetBeforeMs) : null
    const isMissing = shifted !== null && shifted < changeMs + offsetMs

    // What the wall shows a second time after the clocks went back was there already.
    const seenUntil = policy.repeated === 'first' ? changeMs + offsetBeforeMs : -Infinity
    const wall = nextWall(Math.max(fromMs + offsetMs, seenUntil))

    const found = wall === null ? Infinity : wall - offsetMs
    const tick = isMissing ? Math.min(found, shifted - offsetBeforeMs) : found
    if (tick < untilMs) return tick
    if (wall === null) return null
    fromMs = Math.max(untilMs, wall - mostOffsetMs)
  }
  return null
}
