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
  /** Milliseconds from UTC to the wall clock at a moment. */
  offsetAt(ms: number): number
  stretchAt(ms: number): Stretch
}

const dayMs = 86_400_000
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
    const twoDigits = { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const
    return new Intl.DateTimeFormat('en-US', {
      ...twoDigits,
      timeZone: name,
      year: 'numeric',
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

  offsetAt(ms: number): number {
    return this.stretchAt(ms).offsetMs
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

  /** One question a day, and halving where two days differ. */
  #stretchesOf(year: number): readonly Stretch[] {
    const endMs = Date.UTC(year + 1, 0)
    const stretches: Stretch[] = []
    let fromMs = Date.UTC(year, 0) - marginMs
    let offsetMs = this.#ask(fromMs)
    let offsetBeforeMs = offsetMs
    for (let day = fromMs; day < endMs; day += dayMs) {
      // More than one change in a day has been seen nowhere, but costs no more than a loop to hold.
      for (let begin = day; this.#ask(day + dayMs) !== offsetMs; ) {
        const changeMs = this.#change(begin, day + dayMs, offsetMs)
        stretches.push({ fromMs, untilMs: changeMs, offsetMs, offsetBeforeMs })
        offsetBeforeMs = offsetMs
        offsetMs = this.#ask(changeMs)
        fromMs = changeMs
        begin = changeMs
      }
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

  /** The offset by the wall clock itself, `03/29/2026, 03:30:00`. Whole seconds. */
  #ask(ms: number): number {
    const text = this.#clock.format(ms)
    const number = (at: number, length: number) => Number(text.slice(at, at + length))
    const wall = Date.UTC(
      number(6, text.length - 16),
      number(0, 2) - 1,
      number(3, 2),
      number(text.length - 8, 2),
      number(text.length - 5, 2),
      number(text.length - 2, 2),
    )
    return wall - Math.floor(ms / 1000) * 1000
  }
}
