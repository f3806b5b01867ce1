// What is due: one entry by itself, and very many in a heap.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agenda } from '../../src/beat/agenda.js'
import { clocked } from '../../src/beat/clocked.js'
import { crontab } from '../../src/beat/crontab.js'
import { type EntryOptions, readEntry, type ScheduleEntry } from '../../src/beat/entry.js'
import { every } from '../../src/beat/every.js'
import { decide, type EntryState, freshState, hasOtherPast, type TickOptions } from '../../src/beat/tick.js'
import { jitterOf, tickId } from '../../src/beat/tick-id.js'
import { signature } from '../../src/canvas/signature.js'

const ping = signature('ping', { immutable: true })
const t0 = Date.UTC(2026, 0)
const seconds = (n: number): number => t0 + n * 1000
const make = (options: Partial<EntryOptions> = {}, name = 'e'): ScheduleEntry =>
  readEntry(name, { schedule: every(10), run: ping, ...options })

/** What is due, in seconds since t0, and when to look again. */
function look(entry: ScheduleEntry, state: EntryState, now: number, options?: TickOptions) {
  const { due, wakeMs, missedMs, state: after } = decide(entry, state, seconds(now), options)
  const since = (ms: number | null) => (ms === null ? null : (ms - t0) / 1000)
  return { due: due.map(({ tickMs }) => since(tickMs)), wake: since(wakeMs), missed: since(missedMs), after }
}
const fresh = freshState(t0)

describe('a change', () => {
  const day = 86_400
  const at = (n: number) => new Date(seconds(n))
  it.each<[string, Partial<EntryOptions>, Partial<EntryOptions>, boolean]>([
    ['resumes it', { paused: true }, {}, true],
    ['begins it now and not tomorrow', { startAt: at(2 * day) }, {}, true],
    ['opens it again after its end', { endAt: at(day / 2) }, { endAt: at(3 * day) }, true],
    ['gives it more runs when it has none left', { maxRuns: 3 }, { maxRuns: 5 }, true],
    ['moves it to another zone', { timezone: 'Asia/Tokyo' }, { timezone: 'America/New_York' }, true],
    ['pauses it', {}, { paused: true }, false],
    ['ends it earlier', { endAt: at(3 * day) }, { endAt: at(2 * day) }, false],
    ['gives it more runs when some are left', { maxRuns: 4 }, { maxRuns: 5 }, false],
    ['leaves it paused', { paused: true, maxRuns: 3 }, { paused: true, maxRuns: 5 }, false],
    ['is about something else', { catchUp: 'all' }, { jitter: 5 }, false],
  ])('that %s', (_, before, after, expected) => {
    const state = { ...fresh, lastTickMs: seconds(20), runs: 3 }
    expect(hasOtherPast(make(before), make(after), state, seconds(day))).toBe(expected)
  })
})

describe('one entry', () => {
  it('waits for its first tick after it was made', () => {
    const found = look(make(), fresh, 3)
    expect(found).toEqual({ due: [], wake: 10, missed: null, after: fresh })
    expect(found.after).toBe(fresh)
  })

  it('is due on its tick, and then on the next', () => {
    const found = look(make(), fresh, 10.2)
    expect(found).toMatchObject({ due: [10], wake: 20, missed: null })
    expect(found.after).toEqual({ sinceMs: t0, lastTickMs: seconds(10), runs: 1 })
    expect(look(make(), found.after, 10.2)).toMatchObject({ due: [], wake: 20 })
  })

  it('is not due again when the clock goes back, nor asks to be looked at before its tick', () => {
    const { after } = look(make(), fresh, 10)
    expect(look(make(), after, -3600)).toMatchObject({ due: [], wake: 20, after })
  })

  it('last: of the ticks that were missed the last one runs', () => {
    expect(look(make(), fresh, 3605)).toMatchObject({ due: [3600], wake: 3610, missed: 10 })
  })

  it('skip: what is later than the grace does not run, and the next tick does', () => {
    const entry = make({ catchUp: 'skip', schedule: every(100) })
    const late = look(entry, fresh, 350)
    expect(late).toMatchObject({ due: [], wake: 400, missed: 100 })
    expect(late.after).toEqual({ sinceMs: t0, lastTickMs: seconds(300), runs: 0 })
    expect(look(entry, fresh, 310)).toMatchObject({ due: [300], missed: 100 })
    expect(look(entry, fresh, 310, { graceMs: 5000 })).toMatchObject({ due: [], missed: 100 })
  })

  it('all: all of them in order, bounded to the last so many', () => {
    const entry = make({ catchUp: 'all' })
    expect(look(entry, fresh, 35)).toMatchObject({ due: [10, 20, 30], wake: 40, missed: null })
    expect(look(entry, fresh, 1000, { catchUpLimit: 2 })).toMatchObject({ due: [990, 1000], missed: 10 })
    const year = look(make({ catchUp: 'all', schedule: every(1) }), fresh, 31_536_000)
    expect(year.due).toHaveLength(1000)
    expect(year.due.at(-1)).toBe(31_536_000)
  })

  it('does not begin before startAt, which is a tick of an interval, nor go on after endAt', () => {
    const entry = make({ startAt: new Date(seconds(103)), endAt: new Date(seconds(125)) })
    expect(look(entry, fresh, 50)).toMatchObject({ due: [], wake: 103 })
    expect(look(entry, fresh, 103)).toMatchObject({ due: [103], wake: 113 })
    const last = look(entry, { ...fresh, lastTickMs: seconds(113) }, 500)
    expect(last).toMatchObject({ due: [123], wake: null })
    expect(look(entry, last.after, 600)).toMatchObject({ due: [], wake: null })
  })

  it('stops after maxRuns, however many ticks were missed', () => {
    const entry = make({ maxRuns: 2, catchUp: 'all' })
    const found = look(entry, fresh, 100)
    expect(found).toMatchObject({ due: [10, 20], wake: null })
    expect(look(entry, found.after, 200)).toMatchObject({ due: [], wake: null })
  })

  it('rests while it is paused', () => {
    expect(look(make({ paused: true }), fresh, 100)).toEqual({
      due: [],
      wake: null,
      missed: null,
      after: fresh,
    })
  })

  it('does not catch up what lies before the moment since when it counts', () => {
    const resumed = { ...fresh, lastTickMs: seconds(10), sinceMs: seconds(95) }
    expect(look(make(), resumed, 99)).toMatchObject({ due: [], wake: 100 })
  })

  it('runs once at a time', () => {
    const entry = make({ schedule: clocked(new Date(seconds(5))) })
    const found = look(entry, fresh, 6)
    expect(found).toMatchObject({ due: [5], wake: null })
    expect(look(entry, found.after, 7)).toMatchObject({ due: [], wake: null })
  })

  it('has the zone and the policy of the entry, else the zone of the app', () => {
    const entry = make({ schedule: crontab('30 2 * * *') })
    const wake = (options: Partial<EntryOptions>, timezone?: string) =>
      decide(make({ schedule: crontab('30 2 * * *'), ...options }), fresh, t0, timezone ? { timezone } : {})
        .wakeMs
    expect(decide(entry, fresh, t0).wakeMs).toBe(Date.parse('2026-01-01T02:30Z'))
    expect(wake({}, 'Europe/Berlin')).toBe(Date.parse('2026-01-01T01:30Z'))
    expect(wake({ timezone: 'Asia/Tokyo' }, 'Europe/Berlin')).toBe(Date.parse('2026-01-01T17:30Z'))
    const spring = freshState(Date.parse('2026-03-28T12:00Z'))
    const skipping = make({ schedule: crontab('30 2 * * *'), timezone: 'Europe/Paris', dst: 'skip' })
    expect(decide(skipping, spring, spring.sinceMs).wakeMs).toBe(Date.parse('2026-03-30T00:30Z'))
  })
})

describe('jitter', () => {
  const entry = make({ jitter: 5 })
  const later = (tick: number) => jitterOf('e', seconds(tick), 5000) / 1000

  it('holds a tick back, by entry and tick alone', () => {
    const start = 10 + later(10)
    expect(look(entry, fresh, 10)).toMatchObject({ due: [], wake: start })
    expect(look(entry, fresh, start - 0.001)).toMatchObject({ due: [] })
    const found = decide(entry, fresh, seconds(start))
    expect(found.due).toMatchObject([{ tickMs: seconds(10), startMs: seconds(start) }])
    expect(found.wakeMs).toBe(seconds(20 + later(20)))
  })

  it('is spread from 0 to its length', () => {
    const all = Array.from({ length: 2000 }, (_, tick) => jitterOf('e', seconds(tick), 5000))
    expect(Math.min(...all)).toBeLessThan(50)
    expect(Math.max(...all)).toBeGreaterThan(4950)
    expect(Math.max(...all)).toBeLessThanOrEqual(5000)
    expect(all.reduce((a, b) => a + b) / all.length).toBeGreaterThan(2300)
    expect(jitterOf('e', t0, 0)).toBe(0)
  })

  it('longer than the interval loses no tick and keeps their order', () => {
    const long = make({ schedule: every(1), jitter: 7, catchUp: 'all' })
    let state = fresh
    const found: number[] = []
    for (let now = t0; now <= seconds(60); now += 250) {
      const { due, state: next } = decide(long, state, now)
      for (const { tickMs, startMs } of due) {
        expect(startMs).toBeLessThanOrEqual(now)
        found.push((tickMs - t0) / 1000)
      }
      state = next
    }
    expect(found).toEqual(Array.from({ length: found.length }, (_, index) => index + 1))
    expect(found.length).toBeGreaterThan(50)
  })
})

describe('the id of a run', () => {
  it('is a UUID of version 5, made of program, entry and tick', () => {
    const id = tickId('proj', 'e', t0)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    // Other versions of Lovage must make the same one, or two beats send a tick twice.
    expect(id).toBe(tickId('proj', 'e', t0))
    expect(
      new Set([id, tickId('other', 'e', t0), tickId('proj', 'f', t0), tickId('proj', 'e', t0 + 1)]).size,
    ).toBe(4)
    expect(tickId('a', 'b"c', 1)).not.toBe(tickId('a"b', 'c', 1))
    expect(decide(make(), fresh, seconds(10), { scope: 'proj' }).due[0]?.taskId).toBe(
      tickId('proj', 'e', seconds(10)),
    )
  })
})

describe('an agenda', () => {
  it('sleeps until the next tick of all, and hands out what is due, the oldest first', () => {
    const agenda = new Agenda()
    expect(agenda.wake(t0)).toMatchObject({ due: [], sleepMs: null })
    agenda.set(make({ schedule: every(10) }, 'tens'), fresh)
    agenda.set(make({ schedule: every(4) }, 'fours'), fresh)
    expect(agenda.wake(t0)).toMatchObject({ due: [], sleepMs: 4000 })
    const found = agenda.wake(seconds(11))
    expect(found.due.map(({ entry, tickMs }) => [entry.name, (tickMs - t0) / 1000])).toEqual([
      ['fours', 8],
      ['tens', 10],
    ])
    expect(found.sleepMs).toBe(1000)
    expect([...found.missed]).toEqual([['fours', seconds(4)]])
    expect(agenda.wake(seconds(11)).due).toEqual([])
  })

  it('knows its entries, and forgets them', () => {
    const agenda = new Agenda()
    const entry = make()
    agenda.set(entry, fresh)
    agenda.wake(t0)
    expect(agenda.get('e')).toMatchObject({ entry, state: fresh })
    expect(agenda.wakeMs('e')).toBe(seconds(10))
    expect([...agenda.names()]).toEqual(['e'])
    agenda.set(make({ paused: true }), fresh)
    expect(agenda.wake(seconds(100))).toMatchObject({ due: [], sleepMs: null })
    expect(agenda.size).toBe(1)
    expect(agenda.wakeMs('e')).toBeNull()
    expect(agenda.delete('e')).toBe(true)
    expect(agenda.delete('e')).toBe(false)
    expect(agenda.wakeMs('e')).toBeNull()
    expect(agenda.size).toBe(0)
  })

  it('takes back a tick that another beat had first', () => {
    const agenda = new Agenda()
    agenda.set(make(), fresh)
    expect(agenda.wake(seconds(10)).due).toHaveLength(1)
    agenda.set(make(), { ...fresh, lastTickMs: seconds(20), runs: 2 })
    expect(agenda.wake(seconds(20)).due).toEqual([])
    expect(agenda.wake(seconds(30)).due).toHaveLength(1)
  })

  it('one schedule that throws stops no other, and rests until it is set again', () => {
    const agenda = new Agenda()
    const broken = make({ schedule: { next: () => 'soon' as never } }, 'broken')
    agenda.set(broken, fresh)
    agenda.set(make(), fresh)
    const found = agenda.wake(seconds(10))
    expect(found.due.map(({ entry }) => entry.name)).toEqual(['e'])
    expect([...found.failed.keys()]).toEqual(['broken'])
    expect(String(found.failed.get('broken'))).toContain('next(')
    expect(agenda.wake(seconds(20)).failed.size).toBe(0)
    agenda.set(broken, fresh)
    expect(agenda.wake(seconds(20)).failed.size).toBe(1)
  })

  it('gives what asking each entry each time gives, whatever is put in and taken out meanwhile', () => {
    const step = fc.record({
      name: fc.integer({ min: 0, max: 8 }).map(String),
      what: fc.constantFrom('set', 'set', 'delete', 'wake', 'wake', 'wake'),
      length: fc.integer({ min: 1, max: 40 }),
      catchUp: fc.constantFrom('all' as const, 'last' as const, 'skip' as const),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const agenda = new Agenda()
        const plain = new Map<string, { entry: ScheduleEntry; state: EntryState }>()
        let now = t0
        for (const { name, what, length, catchUp } of steps) {
          if (what === 'set') {
            const entry = make({ schedule: every(length), catchUp, jitter: length % 3 }, name)
            agenda.set(entry, freshState(now))
            plain.set(name, { entry, state: freshState(now) })
          } else if (what === 'delete') expect(agenda.delete(name)).toBe(plain.delete(name))
          else {
            now += length * 700
            const wanted: string[] = []
            let wakeMs = Infinity
            for (const item of plain.values()) {
              const decision = decide(item.entry, item.state, now)
              item.state = decision.state
              wanted.push(...decision.due.map(({ taskId }) => taskId))
              wakeMs = Math.min(wakeMs, decision.wakeMs ?? Infinity)
            }
            const found = agenda.wake(now)
            expect(found.due.map(({ taskId }) => taskId).sort()).toEqual(wanted.sort())
            expect(found.sleepMs).toBe(wakeMs === Infinity ? null : wakeMs - now)
          }
        }
        for (const [name, { state }] of plain) expect(agenda.get(name)?.state).toEqual(state)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps no more than name and moment of what is not due for a while, and asks for it before it is due', () => {
    const agenda = new Agenda()
    const entry = make({ schedule: every('1h') })
    agenda.set(entry, fresh)
    const first = agenda.wake(t0)
    expect(first).toMatchObject({ due: [], slept: ['e'], stirred: [] })
    expect(agenda.get('e')).toBeUndefined()
    expect([...agenda.names()]).toEqual(['e'])
    const stirAt = t0 + first.sleepMs!
    expect(stirAt).toBeLessThan(seconds(3600))
    expect(agenda.wake(stirAt)).toMatchObject({ due: [], slept: [], stirred: ['e'], sleepMs: null })
    agenda.set(entry, fresh)
    expect(agenda.wake(stirAt)).toMatchObject({ due: [], slept: [], stirred: [] })
    expect(agenda.wake(seconds(3600)).due).toHaveLength(1)
    // Its run was stored.
    expect(agenda.doze('e', seconds(3600))).toBe(true)
    expect(agenda.wake(seconds(7200)).stirred).toEqual(['e'])
    // One that is due soon, or is not there, does not.
    agenda.set(make({}, 'soon'), fresh)
    agenda.wake(seconds(7200))
    expect(agenda.doze('soon', seconds(7200))).toBe(false)
    expect(agenda.doze('none', seconds(7200))).toBe(false)
  })

  it('hands out no more than so much at once, and what is left at once after it', () => {
    const agenda = new Agenda()
    for (let i = 0; i < 25; i++) agenda.set(make({}, `e${i}`), fresh)
    const sizes: number[] = []
    for (let wake = agenda.wake(seconds(10), 10); wake.due.length > 0; wake = agenda.wake(seconds(10), 10)) {
      sizes.push(wake.due.length)
      expect(wake.sleepMs).toBe(sizes.length < 3 ? 0 : 10_000)
    }
    expect(sizes).toEqual([10, 10, 5])
  })

  it('with 100 000 idle entries costs nothing for each wake', () => {
    const agenda = new Agenda()
    const far = new Date(t0 + 1e9)
    for (let i = 0; i < 100_000; i++) agenda.set(make({ schedule: clocked(far) }, `e${i}`), fresh)
    agenda.set(make({ schedule: every(1) }, 'busy'), fresh)
    agenda.wake(t0)
    const start = performance.now()
    for (let n = 1; n <= 1000; n++) expect(agenda.wake(seconds(n)).due).toHaveLength(1)
    // 30 ms on a quiet machine; a scan of all would take many seconds.
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
