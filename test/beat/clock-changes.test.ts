// Every change of the clocks in every zone, 2020 to 2035, against an algorithm that knows no stretches of
// offset and no bit masks: it asks Intl what the wall shows, minute by minute, and looks.
import { describe, expect, it } from 'vitest'
import { type Crontab, crontab } from '../../src/beat/crontab.js'
import type { DstPolicy } from '../../src/beat/schedule.js'
import { zoneOf } from '../../src/beat/zone.js'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const fromMs = Date.UTC(2020, 0)
const untilMs = Date.UTC(2036, 0)

const zones = Intl.supportedValuesOf('timeZone')

/** Milliseconds of the wall clock, as if it were in UTC; by another format than the one under test. */
const clocks = new Map<string, (ms: number) => number>()

function wallClock(timeZone: string): (ms: number) => number {
  const clock = clocks.get(timeZone) ?? newClock(timeZone)
  clocks.set(timeZone, clock)
  return clock
}

function newClock(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  return (ms) => {
    const [, day, month, year, hour, minute] = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+)$/.exec(format.format(ms))!
    return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute))
  }
}

/** The first minutes on new clocks. Looked for in steps of five days: the shortest season is Ramadan in Morocco. */
function changesOf(wall: (ms: number) => number): number[] {
  const changes: number[] = []
  const stepMs = 5 * 24 * hourMs
  const offset = (ms: number) => wall(ms) - ms
  for (let ms = fromMs; ms < untilMs; ms += stepMs) {
    let [low, high] = [ms, ms + stepMs]
    if (offset(low) === offset(high)) continue
    while (high - low > minuteMs) {
      const middle = low + Math.floor((high - low) / 2 / minuteMs) * minuteMs
      if (offset(middle) === offset(low)) low = middle
      else high = middle
    }
    if (high < untilMs) changes.push(high)
  }
  return changes
}

const known = new Map<string, readonly number[]>()

/** As above, asked once for each zone. */
function changesIn(name: string): readonly number[] {
  const changes = known.get(name) ?? changesOf(wallClock(name))
  known.set(name, changes)
  return changes
}

/** What the wall shows in each minute around a change. */
interface Window {
  readonly startMs: number
  readonly endMs: number
  readonly changeMs: number
  readonly walls: readonly number[]
}

const timeOfDay = (wall: number): number => (wall / minuteMs) % 1440

/** By definition, one wall minute after the other: how often it is shown, and what the policy makes of that. */
function expected({ walls, startMs, changeMs }: Window, times: Set<number>, policy: DstPolicy): number[] {
  const shown = new Map<number, number[]>()
  for (const [index, wall] of walls.entries())
    shown.set(wall, [...(shown.get(wall) ?? []), startMs + index * minuteMs])
  const lastBefore = walls[(changeMs - startMs) / minuteMs - 1]!
  const ticks: number[] = []
  for (let wall = Math.min(...walls); wall <= Math.max(...walls); wall += minuteMs) {
    if (!times.has(timeOfDay(wall))) continue
    const moments = shown.get(wall) ?? []
    if (moments.length === 0 && policy !== 'skip') ticks.push(changeMs + wall - lastBefore - minuteMs)
    else ticks.push(...(policy === 'twice' ? moments : moments.slice(0, 1)))
  }
  return [...new Set(ticks)].sort((a, b) => a - b)
}

const policies = ['once', 'skip', 'twice'] as const
const minutes = [0, 29, 59]

interface Expected {
  /** The hour that is missing or repeated, and the next. */
  readonly hours: readonly number[]
  readonly wanted: Readonly<Record<DstPolicy | 'hourly', readonly number[]>>
}

const expectations = new Map<Window, Expected>()

function expectedIn(window: Window): Expected {
  const made = expectations.get(window)
  if (made !== undefined) return made
  const { startMs, endMs, changeMs, walls } = window
  const at = (changeMs - startMs) / minuteMs
  const hour = Math.floor(timeOfDay(Math.min(walls[at]!, walls[at - 1]! + minuteMs)) / 60)
  const hours = [hour, (hour + 1) % 24]
  const times = new Set(hours.flatMap((h) => minutes.map((m) => h * 60 + m)))
  const by = (policy: DstPolicy) => expected(window, times, policy).filter((ms) => ms < endMs)
  const hourly = walls.flatMap((wall, index) =>
    minutes.includes(timeOfDay(wall) % 60) ? [startMs + index * minuteMs] : [],
  )
  const found = { hours, wanted: { once: by('once'), skip: by('skip'), twice: by('twice'), hourly } }
  expectations.set(window, found)
  return found
}

const windows = new Map<string, Window>()

/** The minutes around a change; zones that change alike share what Intl said of the first of them. */
function windowOf(name: string, changeMs: number): Window {
  const wall = wallClock(name)
  const before = wall(changeMs - minuteMs) + minuteMs - changeMs
  const shiftMs = wall(changeMs) - changeMs - before
  const key = `${changeMs} ${before} ${shiftMs}`
  const made = windows.get(key)
  if (made !== undefined) return made
  const reach = Math.abs(shiftMs) + 45 * minuteMs
  const [startMs, endMs] = [changeMs - reach, changeMs + reach]
  const walls: number[] = []
  for (let ms = startMs; ms < endMs; ms += minuteMs) walls.push(wall(ms))
  const window = { startMs, endMs, changeMs, walls }
  windows.set(key, window)
  return window
}

function ticks(schedule: { next(ms: number): number | null }, { startMs, endMs }: Window): number[] {
  const found: number[] = []
  for (let at = schedule.next(startMs - 1); at !== null && at < endMs; at = schedule.next(at)) found.push(at)
  return found
}

const list = (times: Iterable<number>) => [...times].map((ms) => new Date(ms).toISOString())

describe('every change of the clocks in every zone, 2020 to 2035', () => {
  let seen = 0

  it('is found to the minute, and the offset on each side of it is what Intl shows', () => {
    for (const name of zones) {
      const wall = wallClock(name)
      const zone = zoneOf(name)
      const changes = changesIn(name)
      const found: number[] = []
      for (let ms = fromMs; ms < untilMs; ) {
        const stretch = zone.stretchAt(ms)
        if (stretch.offsetMs !== stretch.offsetBeforeMs && stretch.fromMs >= fromMs)
          found.push(stretch.fromMs)
        expect(stretch.offsetMs, name).toBe(wall(ms) - ms)
        ms = stretch.untilMs
      }
      expect(list(new Set(found)), name).toEqual(list(changes))
      seen += changes.length
    }
    // 2000 changes at the least, or this looked at nothing.
    expect(seen).toBeGreaterThan(2000)
  }, 60_000)

  it('is treated by each policy as its definition says', () => {
    for (const name of zones) {
      for (const changeMs of changesIn(name)) {
        const window = windowOf(name, changeMs)
        const { hours, wanted } = expectedIn(window)
        const check = (what: string, schedule: Crontab, ticksWanted: readonly number[]) => {
          const got = ticks(schedule, window)
          if (got.join() !== ticksWanted.join())
            expect(list(got), `${name} ${what}, ${schedule.toString()}`).toEqual(list(ticksWanted))
        }
        for (const dst of policies)
          check(dst, crontab({ minute: minutes, hour: hours, timezone: name, dst }), wanted[dst])
        check('hourly', crontab({ minute: minutes, timezone: name }), wanted.hourly)
      }
    }
  }, 60_000)
})
