// A time zone as a list of stretches of constant offset, found once by asking Intl and then kept: so that
// reckoning a tick is arithmetic, and never a walk minute by minute.
import { nearest, show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'

/** A stretch of time in which the clock on the wall is `offsetMs` ahead of UTC. Moments in Unix milliseconds. */
export interface Stretch {
  readonly fromMs: number
  /** The first moment that no longer belongs to it. */
  readonly untilMs: number
  readonly offsetMs: number
  /** The offset just before `fromMs`: the same where the clocks did not change. */
  readonly offsetBeforeMs: number
}

export interface Zone {
  readonly name: string
  stretchAt(ms: number): Stretch
}

const dayMs = 86_400_000
/** The shortest season between two changes, of all zones from 1970 to 2060, is a week: Brazil in 2000, Gaza in 2040. */
const stepMs = 3 * dayMs
/** A change just before New Year still matters after it: the gap that it made may last until then. */
const marginMs = 3 * dayMs

const zones = new Map<string, Zone>()

/**
 * The zone of an IANA name. One object for each name, so that its changes are looked up once in a process.
 * @throws ImproperlyConfigured for a name that Intl does not know; `place` begins the sentence.
 */
export function zoneOf(name: string, place = 'timezone'): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const zone = new IntlZone(name, clockOf(name, place))
  zones.set(name, zone)
  return zone
}

function clockOf(name: string, place: string): Intl.DateTimeFormat {
  try {
    if (typeof name !== 'string' || name === '') throw new RangeError('no name')
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
  } catch {
    const near =
      typeof name === 'string' ? nearest(name, [...Intl.supportedValuesOf('timeZone'), 'UTC']) : undefined
    throw new ImproperlyConfigured(
      `${place}: expected an IANA time zone such as "Europe/Berlin", got ${show(name)}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    )
  }
}

class IntlZone implements Zone {
  readonly #clock: Intl.DateTimeFormat
  readonly #years = new Map<number, readonly Stretch[]>()
  #last: Stretch = { fromMs: 0, untilMs: 0, offsetMs: 0, offsetBeforeMs: 0 }

  constructor(
    readonly name: string,
    clock: Intl.DateTimeFormat,
  ) {
    this.#clock = clock
  }

  stretchAt(ms: number): Stretch {
    if (ms >= this.#last.fromMs && ms < this.#last.untilMs) return this.#last
    const year = new Date(ms).getUTCFullYear()
    let stretches = this.#years.get(year)
    if (stretches === undefined) {
      stretches = this.#stretchesOf(year)
      this.#years.set(year, stretches)
    }
    this.#last = stretches.find(({ untilMs }) => ms < untilMs)!
    return this.#last
  }

  /** One question every few days, and halving where two answers differ. */
  #stretchesOf(year: number): readonly Stretch[] {
    const endMs = Date.UTC(year + 1, 0)
    const stretches: Stretch[] = []
    let fromMs = Date.UTC(year, 0) - marginMs
    let offsetMs = this.#ask(fromMs)
    let offsetBeforeMs = offsetMs
    for (let step = fromMs; step < endMs; step += stepMs) {
      const nextMs = Math.min(step + stepMs, endMs)
      if (this.#ask(nextMs) === offsetMs) continue
      const changeMs = this.#change(step, nextMs, offsetMs)
      stretches.push({ fromMs, untilMs: changeMs, offsetMs, offsetBeforeMs })
      offsetBeforeMs = offsetMs
      offsetMs = this.#ask(changeMs)
      fromMs = changeMs
    }
    return [...stretches, { fromMs, untilMs: endMs, offsetMs, offsetBeforeMs }].filter(
      ({ untilMs }) => untilMs > Date.UTC(year, 0),
    )
  }

  /** The first whole second in (from, until] at which the offset is no longer `offsetMs`. */
  #change(from: number, until: number, offsetMs: number): number {
    let low = from / 1000
    let high = until / 1000
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#ask(middle * 1000) === offsetMs) low = middle
      else high = middle
    }
    return high * 1000
  }

  /**
   * The offset by the wall clock itself, `29, 03:30:00`. Whole seconds. Month and year are not asked, since
   * that is the dearer half: the day says enough, as no wall is further than a day from UTC.
   */
  #ask(ms: number): number {
    const text = this.#clock.format(ms)
    const end = text.length
    const number = (from: number, until: number) => Number(text.slice(from, until))
    const wall = number(end - 8, end - 6) * 3600 + number(end - 5, end - 3) * 60 + number(end - 2, end)
    const seconds = Math.floor(ms / 1000)
    const days = number(0, end - 10) - new Date(ms).getUTCDate()
    const day = days > 1 ? -1 : days < -1 ? 1 : days
    return (day * 86_400 + wall - (seconds - Math.floor(seconds / 86_400) * 86_400)) * 1000
  }
}
