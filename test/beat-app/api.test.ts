// app.beat in memory: what is declared, refused, caught up and asked about.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type App,
  clocked,
  createApp,
  cron,
  crontab,
  every,
  type EntryOptions,
  group,
} from '../../src/index.js'
import { createLogger } from '../../src/log.js'
import { until } from '../support/until.js'

let app: App
let count = 0
const lines: string[] = []
const log = createLogger({ level: 'INFO', write: (line) => void lines.push(line) })

const open = (settings = {}) => {
  count += 1
  app = createApp('proj', { broker: `memory://beat-${count}`, ...settings })
  return app
}

beforeEach(() => void open())
afterEach(async () => {
  vi.restoreAllMocks()
  lines.length = 0
  await app.close()
})

describe('what cannot be is refused where it is written, and names the entry', () => {
  const cases: readonly (readonly [string, (note: any) => unknown, RegExp])[] = [
    ['no task', () => ({ schedule: 1 }), /^Beat entry "job": it has no task/],
    [
      'a function',
      (note) => ({ schedule: 1, run: note }),
      /^Beat entry "job": expected a signature such as task\.si/,
    ],
    ['a missing argument', (note) => ({ schedule: 1, run: note.si() }), /^Beat entry "job": .*note/],
    [
      'an unknown zone',
      (note) => ({ schedule: 1, run: note.si(1), timezone: 'Mars/Base' }),
      /^Beat entry "job": timezone: expected an IANA/,
    ],
    [
      'a word of no meaning',
      (note) => ({ schedule: 1, run: note.si(1), quue: 'io' }),
      /^Beat entry "job": .*quue.*queue/,
    ],
    [
      'an expression without its kind',
      (note) => ({ schedule: '0 7 * * *', run: note.si(1) }),
      /^Beat entry "job": schedule: expected crontab\("0 7 \* \* \*"\), .*or cron/,
    ],
    [
      'a run that is too late before it is sent',
      (note) => ({ schedule: 1, run: note.si(1), expires: -5 }),
      /^Beat entry "job": expires: expected seconds above 0, got -5/,
    ],
    [
      'the same said by the work',
      (note) => ({ schedule: 1, run: note.si(1).set({ expires: 0 }) }),
      /^Beat entry "job": expires: expected seconds above 0, got 0/,
    ],
    ['no schedule', (note) => ({ run: note.si(1) }), /^Beat entry "job": schedule: expected every/],
    [
      'overlap without results',
      (note) => ({ schedule: 1, run: note.si(1), overlap: 'skip', ignoreResult: true }),
      /^Beat entry "job": overlap: "skip" asks for the end/,
    ],
    [
      'durability',
      (note) => ({ schedule: 1, run: note.si(1), durability: { replicas: 1 } }),
      /^Beat entry "job": durability: expected none/,
    ],
  ]
  it.each(cases)('%s', async (_, options, sentence) => {
    const note = app.task('note', (what: unknown) => what)
    const given = options(note) as EntryOptions
    expect(() => app.beat.add('job', given)).toThrow(sentence)
    await expect(app.beat.create('job', given)).rejects.toThrow(sentence)
  })

  it('two of one name; a name that is none; a custom schedule that is to be stored', async () => {
    const note = app.task('note', (what: unknown) => what)
    app.beat.every('job', 30, note.si(1))
    expect(() => app.beat.every('job', 60, note.si(1))).toThrow('There is a beat entry named "job" already.')
    expect(() => app.beat.every('', 60, note.si(1))).toThrow('A beat entry expects a name, got "".')
    const custom = { next: (after: Date) => new Date(after.getTime() + 50) }
    await expect(app.beat.create('own', { schedule: custom, run: note.si(1) })).rejects.toThrow(
      /^Beat entry "own": a schedule that is an object of this program cannot be stored/,
    )
    await app.beat.create('own', { schedule: 60, run: note.si(1) })
    await expect(app.beat.update('own', { schedule: custom })).rejects.toThrow(
      /^Beat entry "own": a schedule that is an object/,
    )
  })

  it('a change that could not be sent, and questions that have no answer', async () => {
    const note = app.task('note', (what: unknown) => what)
    await app.beat.create('job', { schedule: 60, run: note.si(1) })
    await expect(app.beat.update('job', { run: (note as any).si() })).rejects.toThrow(
      /^Beat entry "job": note takes 1 argument/,
    )
    await expect(app.beat.update('job', { run: note.si(() => 1) })).rejects.toThrow(
      /^Beat entry "job": .*run\.args\[0\] is a function/,
    )
    expect(await app.beat.history('job')).toEqual([])
    await expect(app.beat.history('none')).rejects.toThrow('There is no beat entry named "none".')
    await expect(app.beat.history('job', 0)).rejects.toThrow(/limit: expected a whole number from 1, got 0/)
    await expect(app.beat.next('job', -1)).rejects.toThrow(/count: expected a whole number from 1, got -1/)
    await expect(app.beat.start({ maxInterval: -1 })).rejects.toThrow(/maxInterval: expected seconds above 0/)
  })

  it('one wrong entry of beatSchedule is a line in the log, the others run', async () => {
    const ran = vi.fn()
    open({
      beatSchedule: {
        good: { task: 'note', schedule: 0.05 },
        odd: { task: 'note', schedule: { __type__: 'crontab', minute: 61 } },
        short: { task: 'two', schedule: 1, args: [1] },
      },
    })
    app.task('note', () => void ran())
    app.task('two', (a: number, b: number) => a + b)
    const any = app.task('any', (what: unknown) => what)
    app.beat.every(
      'code',
      1,
      any.si(() => 1),
    )
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.mock.calls.length >= 2)
    expect(lines.join('\n')).toMatch(/ERROR.*Beat entry "code": .*is a function.* It is passed over\./)
    expect(lines.join('\n')).toMatch(/ERROR.*Beat entry "odd": .*minute/)
    expect(lines.join('\n')).toMatch(/ERROR.*Beat entry "short": two takes 2 arguments.* It is passed over\./)
    expect((await app.beat.list()).map(({ name }) => name)).toEqual(['good'])
  })

  it('a store that the broker has not', async () => {
    open({ beatScheduler: 'redis' })
    await expect(app.beat.list()).rejects.toThrow(
      /^beatScheduler: entries lie where the broker is, and that is memory/,
    )
  })
})

describe('a beat', () => {
  it('runs a custom schedule of its program, and tasks that fail to be sent stop nothing', async () => {
    const ran: string[] = []
    const note = app.task('note', (what: string) => void ran.push(what))
    app.beat.add('own', { schedule: { next: (after: Date) => after.getTime() + 40 }, run: note.si('own') })
    app.beat.add('bad', { schedule: every(0.05), run: note.si('bad'), compression: 'lzma' })
    app.beat.add('three', { schedule: every(0.05), run: note.si('three'), maxRuns: 3 })
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.filter((what) => what === 'own').length >= 5)
    expect(ran.filter((what) => what === 'three')).toHaveLength(3)
    expect(ran).not.toContain('bad')
    expect(lines.join('\n')).toMatch(/ERROR.*Scheduler: task bad cannot be sent: .*lzma/)
  })

  it.each([
    ['last', 1],
    ['all', 10],
    ['skip', 0],
  ] as const)('that was away for an hour catches up: %s', async (catchUp, expected) => {
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    const now = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(now - 3_600_000 - 1000)
    await app.beat.create('job', { schedule: every(360, { anchor: now }), run: note.si(), catchUp })
    vi.restoreAllMocks()
    await app.worker({ concurrency: 20, log }).start()
    await app.beat.start({ log })
    await until(() => app.beat.leads && (expected === 0 || ran.mock.calls.length >= expected))
    await new Promise((resolve) => setTimeout(resolve, 50))
    // One more, where the test has run over a tick.
    expect(ran.mock.calls.length - expected).toBeLessThanOrEqual(1)
    expect(ran.mock.calls.length).toBeGreaterThanOrEqual(expected)
  })

  it.each([
    ['last', 1],
    ['skip', 0],
  ] as const)('a moment that has passed and is named today was missed: %s', async (catchUp, runs) => {
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    const schedule = clocked(new Date(Date.now() - 3_600_000))
    await app.beat.create('once', { schedule, run: note.si(), catchUp })
    await app.beat.create('moved', { schedule: every('1h'), run: note.si(), catchUp })
    await app.beat.update('moved', { schedule })
    app.beat.every('after', 0.05, note.si(), { maxRuns: 1 })
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.mock.calls.length === 1 + 2 * runs)
    expect((await app.beat.get('once')).runs).toBe(runs)
    expect((await app.beat.get('moved')).runs).toBe(runs)
    if (catchUp === 'skip') expect(lines.join('\n')).toMatch(/WARNING.*once missed its tick/)
  })

  it('what was made at run time and has no tick to come can be taken away, and nothing else', async () => {
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    const soon = () => ({ schedule: clocked(new Date(Date.now() + 50)), run: note.si() })
    const once = { schedule: every(0.05), run: note.si(), maxRuns: 1 }
    app.beat.add('of the code', once)
    await app.beat.create('over', soon())
    await app.beat.create('spent', once)
    await app.beat.create('paused', { ...soon(), paused: true })
    await app.beat.create('to come', { schedule: clocked(new Date(Date.now() + 3_600_000)), run: note.si() })
    await app.beat.create('due, and nobody fires', {
      schedule: clocked(new Date(Date.now() - 1)),
      run: note.si(),
    })
    expect(await app.beat.prune()).toEqual([])
    await app.beat.remove('due, and nobody fires')
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.mock.calls.length === 3)
    await until(async () => (await app.beat.get('over')).runs + (await app.beat.get('spent')).runs === 2)
    expect(await app.beat.prune()).toEqual(['over', 'spent'])
    expect((await app.beat.list()).map(({ name }) => name)).toEqual(['of the code', 'paused', 'to come'])
  })

  it('what bounds an entry is taken away by null', async () => {
    const note = app.task('note', () => undefined)
    const [startAt, endAt] = [new Date(Date.now() + 1000), new Date(Date.now() + 2000)]
    await app.beat.create('bounded', { schedule: 3600, run: note.si(), startAt, endAt, maxRuns: 5 })
    await app.beat.update('bounded', { startAt: null, endAt: null, maxRuns: null })
    const { definition } = await app.beat.get('bounded')
    expect(Object.keys(definition).filter((key) => /At|maxRuns/.test(key))).toEqual([])
    expect(await app.beat.next('bounded', 9)).toHaveLength(9)
  })

  it('ticks that an entry did not have when they were are not caught up: it was over, and is not any more', async () => {
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    const spent = { schedule: every(0.02), run: note.si(), maxRuns: 1, catchUp: 'all' } as const
    app.beat.add('spent', spent)
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.mock.calls.length === 1)
    const spentAt = Date.now()
    await until(() => Date.now() > spentAt + 200)
    const changedAt = Date.now()
    await app.beat.update('spent', { maxRuns: 4 })
    await until(() => ran.mock.calls.length === 4)
    for (const run of (await app.beat.history('spent')).slice(0, 3))
      expect(run.tick!.getTime()).toBeGreaterThanOrEqual(changedAt)
  })

  it('code stays when its moment has gone: it is not run again by a store that is empty, and it is told', async () => {
    const ran: string[] = []
    const note = app.task('note', (what: string) => void ran.push(what))
    app.beat.add('once', { schedule: clocked(new Date(Date.now() - 3_600_000)), run: note.si('once') })
    app.beat.every('after', 0.05, note.si('after'))
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.length >= 2)
    expect(ran).not.toContain('once')
    expect(lines.join('\n')).toMatch(
      /WARNING.*beat: once \(once at .*\) has no tick to come: it does not run\./,
    )
  })

  it('a leader that was frozen says nothing of the ticks that another one had meanwhile', async () => {
    const note = app.task('note', () => undefined)
    app.beat.every('hourly', '1h', note.si(), { catchUp: 'skip' })
    await app.beat.start({ log })
    await until(() => lines.some((line) => line.includes('1 entry is known')))
    const now = performance.now.bind(performance)
    vi.spyOn(await app.broker(), 'lead').mockResolvedValue(false)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 7_200_000)
    await app.beat.create('wakes', { schedule: every('1d'), run: note.si() })
    await until(() => lines.some((line) => line.includes('this one does not fire now')))
    expect(lines.join('\n')).not.toContain('missed its tick')
  })

  it('a leader that was frozen, and whose place nobody took, goes on', async () => {
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    app.beat.every('hourly', '1h', note.si())
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => lines.some((line) => line.includes('1 entry is known')))
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 10_000)
    await app.beat.create('wakes', { schedule: every('0.1s'), run: note.si() })
    await until(() => ran.mock.calls.length >= 1)
  })

  it('a schedule of the program’s own that throws is asked again', async () => {
    let isBroken = true
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    const next = (after: Date): Date => {
      if (isBroken) throw new Error('no calendar today')
      return new Date(after.getTime() + 50)
    }
    app.beat.add('moody', { schedule: { next }, run: note.si() })
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => lines.some((line) => /entry moody cannot say when it is due: no calendar/.test(line)))
    isBroken = false
    await until(() => ran.mock.calls.length >= 1)
  })

  it('is started once, stops cleanly, and can be started again', async () => {
    const ran = vi.fn()
    const note = app.task('note', () => void ran())
    app.beat.every('tick', 0.05, note.si())
    await app.worker({ log }).start()
    await Promise.all([app.beat.start({ log }), app.beat.start({ log })])
    await until(() => ran.mock.calls.length >= 2)
    await app.beat.stop()
    const calls = ran.mock.calls.length
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(ran.mock.calls.length).toBeLessThanOrEqual(calls + 1)
    await app.beat.start({ log })
    await until(() => ran.mock.calls.length >= calls + 2)
  })

  it('tells the coming ticks of entries and of schedules', async () => {
    const note = app.task('note', () => 1)
    app.beat.add('daily', { schedule: crontab('0 7 * * *'), run: note.si(), timezone: 'Europe/Berlin' })
    for (const of of ['daily', cron('0 7 * * *', { timezone: 'Europe/Berlin' })] as const) {
      const ticks = await app.beat.next(of, 3)
      expect(ticks).toHaveLength(3)
      for (const tick of ticks)
        expect(tick.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })).toBe('07:00:00')
    }
  })

  it('lists what became of entries; a group’s ids are told apart', async () => {
    const note = app.task('note', (what: number) => what)
    app.beat.add('pair', { schedule: every(0.05), run: group(note.si(1), note.si(2)), maxRuns: 2 })
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(async () => (await app.beat.get('pair')).runs === 2)
    const view = await app.beat.get('pair')
    expect(view).toMatchObject({
      task: 'group',
      nextRun: null,
      lastState: null,
      source: 'code',
      skipped: 0,
      paused: false,
    })
    expect(view.drift).toBeGreaterThanOrEqual(0)
    const history = await app.beat.history('pair')
    expect(history.map(({ kind }) => kind)).toEqual(['run', 'run'])
    expect(new Set(history.map(({ taskId }) => taskId)).size).toBe(2)
  })
})
