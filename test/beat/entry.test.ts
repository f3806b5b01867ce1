// Entries: what is refused, with a sentence that names the entry; and how they lie in a store.
import { describe, expect, it } from 'vitest'
import { readBeatSchedule } from '../../src/beat/beat-schedule.js'
import { crontab } from '../../src/beat/crontab.js'
import { type EntryOptions, readEntry } from '../../src/beat/entry.js'
import { entryFromJSON, entryToJSON } from '../../src/beat/entry-json.js'
import { every } from '../../src/beat/every.js'
import { pipe, signature } from '../../src/canvas/signature.js'

const ping = signature('ping', { immutable: true })
const hourly = every('1h')
const improper = (message: string) => expect.objectContaining({ name: 'ImproperlyConfigured', message })

describe('an entry', () => {
  it('has defaults', () => {
    const entry = readEntry('hello', { schedule: 30, run: ping })
    expect(entry).toEqual({
      name: 'hello',
      schedule: every(30),
      run: ping,
      options: {},
      catchUp: 'last',
      overlap: 'allow',
      jitterMs: 0,
      paused: false,
    })
    expect(Object.isFrozen(entry)).toBe(true)
    expect(Object.isFrozen(entry.options)).toBe(true)
  })

  it('takes calling options beside its own', () => {
    const entry = readEntry('hello', {
      schedule: '5m',
      run: ping,
      queue: 'io',
      priority: 3,
      expires: 60,
      headers: { a: 1 },
      timezone: 'Europe/Berlin',
      dst: 'skip',
      catchUp: 'all',
      overlap: 'queue',
      jitter: '10s',
      startAt: '2026-01-01T00:00:00Z',
      endAt: new Date('2026-02-01T00:00:00Z'),
      maxRuns: 3,
      paused: true,
    })
    expect(entry).toMatchObject({
      options: { queue: 'io', priority: 3, expires: 60, headers: { a: 1 } },
      timezone: 'Europe/Berlin',
      dst: 'skip',
      catchUp: 'all',
      overlap: 'queue',
      jitterMs: 10_000,
      startAtMs: Date.UTC(2026, 0),
      endAtMs: Date.UTC(2026, 1),
      maxRuns: 3,
      paused: true,
    })
  })

  const start = 'Beat entry "hello": '
  it.each<[unknown, string]>([
    [undefined, 'expected { schedule, run, … }, got undefined.'],
    [{ schedule: 30 }, "it has no task. Expected `run`: a signature such as report.si('daily')."],
    [{ schedule: 30, run: 'ping' }, 'run is not a signature, but "ping". Write task.s(…).'],
    [
      { schedule: 30, run: { task: 'ping' } },
      "run is a plain object. Read Celery's JSON with signature.from(json).",
    ],
    [
      { run: ping },
      'schedule: expected every(…), crontab(…), cron(…), solar(…), clocked(…), a length of time or an object with next(after), got undefined.',
    ],
    [{ schedule: 0, run: ping }, 'every: expected an interval of at least 0.01 seconds, got 0.'],
    [
      { schedule: 30, run: ping, timezone: 'Mars' },
      'timezone: expected an IANA time zone such as "Europe/Berlin", got "Mars".',
    ],
    [{ schedule: 30, run: ping, dst: 'no' }, 'dst: expected "once", "skip" or "twice", got "no".'],
    [
      { schedule: 30, run: ping, catchUp: 'first' },
      'catchUp: expected "last", "skip" or "all", got "first".',
    ],
    [{ schedule: 30, run: ping, overlap: true }, 'overlap: expected "allow", "skip" or "queue", got true.'],
    [
      { schedule: 30, run: ping, jitter: 'some' },
      'jitter: expected seconds, a text such as "5m" or "1h30m", or units such as { minutes: 5 }, got "some".',
    ],
    [
      { schedule: 30, run: ping, startAt: 'today' },
      'startAt: expected a valid Date or ISO text with an offset such as "2027-01-01T00:00:00Z", got "today".',
    ],
    [
      { schedule: 30, run: ping, startAt: '2026-02-01T00:00:00Z', endAt: '2026-01-01T00:00:00Z' },
      'endAt: expected a moment after startAt, got one before it.',
    ],
    [{ schedule: 30, run: ping, maxRuns: 0 }, 'maxRuns: expected a whole number from 1, got 0.'],
    [{ schedule: 30, run: ping, paused: 'yes' }, 'paused: expected true or false, got "yes".'],
    [{ schedule: 30, run: ping, queu: 'a' }, 'A signature has no option "queu". Did you mean queue?'],
    [{ schedule: 30, run: ping, jiter: 1 }, 'there is no option "jiter". Did you mean jitter?'],
    [{ schedule: 30, run: ping, priority: 'high' }, 'The option priority expects a number, but got "high".'],
    [
      { schedule: 30, run: ping, taskId: 'x' },
      'taskId: expected none, since each run has an id of its own, made of the entry and the tick.',
    ],
    [
      { schedule: 30, run: ping, eta: new Date() },
      'eta: expected none, since it is one moment for all runs. Write countdown, in seconds after a run is sent.',
    ],
    [
      { schedule: 30, run: signature('ping').set({ eta: new Date() }) },
      'run: eta: expected none, since it is one moment for all runs. Write countdown, in seconds after a run is sent.',
    ],
  ])('refuses %j', (given, sentence) => {
    expect(() => readEntry('hello', given as EntryOptions)).toThrow(improper(start + sentence))
  })

  it('refuses to have no name', () => {
    for (const name of ['', '  ', 5])
      expect(() => readEntry(name as string, { schedule: 30, run: ping })).toThrow(
        improper(`A beat entry expects a name, got ${JSON.stringify(name)}.`),
      )
  })

  it('lets a fault that is not the user’s through as it is', () => {
    const broken = {
      get next() {
        throw new RangeError('broken')
      },
    }
    expect(() => readEntry('hello', { schedule: broken as never, run: ping })).toThrow(RangeError)
  })
})

describe('an entry in a store', () => {
  const entry = readEntry('nightly', {
    schedule: crontab('15 2 * * *', { timezone: 'Europe/Berlin' }),
    run: pipe(signature('extract', { args: [1] }), signature('load')),
    queue: 'io',
    link: signature('done'),
    retryPolicy: { maxRetries: 2 },
    dst: 'twice',
    catchUp: 'all',
    overlap: 'skip',
    jitter: 1.5,
    startAt: '2026-01-01T00:00:00Z',
    endAt: '2027-01-01T00:00:00Z',
    maxRuns: 5,
    timezone: 'Asia/Tokyo',
  } as unknown as EntryOptions)

  it('is JSON with a version, and comes back', () => {
    const json = JSON.parse(JSON.stringify(entryToJSON(entry)))
    expect(json).toMatchObject({
      version: 1,
      name: 'nightly',
      schedule: { kind: 'crontab', minute: '15', hour: '2', timezone: 'Europe/Berlin' },
      run: { task: 'celery.chain', subtask_type: 'chain' },
      options: { queue: 'io', link: [{ task: 'done' }], retry_policy: { max_retries: 2 } },
      timezone: 'Asia/Tokyo',
      dst: 'twice',
      catchUp: 'all',
      overlap: 'skip',
      jitter: 1.5,
      startAt: '2026-01-01T00:00:00.000Z',
      endAt: '2027-01-01T00:00:00.000Z',
      maxRuns: 5,
      paused: false,
    })
    const again = entryFromJSON(json)
    expect(again).toEqual(entry)
    expect(entryToJSON(again)).toEqual(entryToJSON(entry))
  })

  it('keeps what it does not know', () => {
    const json = { ...entryToJSON(entry), colour: 'blue' }
    expect(entryToJSON(entryFromJSON(json))).toEqual(json)
  })

  const stored = (changes: object): unknown => ({ ...entryToJSON(entry), ...changes })
  it.each<[unknown, string]>([
    [5, 'A stored beat entry is expected to be an object, got 5.'],
    [
      stored({ version: 2, schedule: { kind: 'moon' } }),
      'Beat entry "nightly", as stored: it is of version 2, and this Lovage reads versions up to 1. Upgrade this beat, or remove the entry.',
    ],
    [stored({ version: 'x' }), 'Beat entry "nightly", as stored: version: expected 1, got "x".'],
    [stored({ version: undefined }), 'Beat entry "nightly", as stored: version: expected 1, got undefined.'],
    [stored({ name: '' }), 'Beat entry "", as stored: name: expected a text that is not empty.'],
    [
      stored({ schedule: undefined }),
      'Beat entry "nightly", as stored: schedule: expected an object with "kind", got undefined.',
    ],
    [
      stored({ schedule: { kind: 'crontab', hour: '31' } }),
      'Beat entry "nightly", as stored: crontab: hour: expected 0 to 23, got "31".',
    ],
    [
      stored({ run: 5 }),
      'Beat entry "nightly", as stored: A signature in JSON: expected an object with "task", but got 5.',
    ],
    [
      stored({ options: 5 }),
      'Beat entry "nightly", as stored: A signature in JSON: options expects an object, but got 5.',
    ],
    [
      stored({ maxRuns: 'many' }),
      'Beat entry "nightly", as stored: maxRuns: expected a whole number from 1, got "many".',
    ],
  ])('is refused when it is broken, case %#', (json, sentence) => {
    expect(() => entryFromJSON(json)).toThrow(
      expect.objectContaining({ name: 'DecodeError', message: sentence }),
    )
  })
})

describe('the dict form of Python', () => {
  it('is read, in either spelling', () => {
    const { entries, errors } = readBeatSchedule({
      'every-30': { task: 'proj.add', schedule: 30, args: [16, 16], kwargs: { a: 1 } },
      nightly: {
        task: 'proj.report',
        schedule: { minute: 30, hour: 2, day_of_week: 'mon-fri' },
        options: { queue: 'io', routing_key: 'io.x', expires: 60, linkError: [{ task: 'oops' }] },
        relative: true,
        catch_up: 'skip',
        timezone: 'Europe/Berlin',
        enabled: false,
      },
    })
    expect(errors).toEqual([])
    expect(entries.map(({ name }) => name)).toEqual(['every-30', 'nightly'])
    expect(entries[0]).toMatchObject({
      schedule: every(30),
      run: { task: 'proj.add', args: [16, 16], kwargs: { a: 1 }, immutable: true },
    })
    expect(entries[1]).toMatchObject({
      options: { queue: 'io', routingKey: 'io.x', expires: 60, linkError: [{ task: 'oops' }] },
      catchUp: 'skip',
      timezone: 'Europe/Berlin',
      paused: true,
    })
    expect(String(entries[1]?.schedule)).toBe('crontab 30 2 * * mon-fri')
  })

  it('takes a schedule object as well', () => {
    expect(readBeatSchedule({ x: { task: 't', schedule: hourly } }).entries[0]?.schedule).toBe(hourly)
  })

  it.each<[unknown, string]>([
    [5, 'expected { task, schedule, … }, got 5.'],
    [{ schedule: 30 }, "task: expected a task's name, got undefined."],
    [{ task: 't' }, 'schedule: expected seconds or a crontab, got none.'],
    [{ task: 't', schedule: { minute: 61 } }, 'crontab: minute: expected 0 to 59, got 61.'],
    [{ task: 't', schedule: 30, arg: [1] }, 'there is no key "arg". Did you mean args?'],
    [
      { task: 't', schedule: 30, colour: 1 },
      'there is no key "colour". Expected task, schedule, args, kwargs, options, relative, timezone, dst, catchUp, overlap, jitter, startAt, endAt, maxRuns, paused.',
    ],
    [{ task: 't', schedule: 30, args: 5 }, 'args: expected an array, got 5.'],
    [{ task: 't', schedule: 30, kwargs: [1] }, 'kwargs: expected an object, got an array of 1.'],
    [{ task: 't', schedule: 30, options: 5 }, 'options: expected an object, got 5.'],
    [
      { task: 't', schedule: 30, options: { expire: 5 } },
      'A signature has no option "expire". Did you mean expires?',
    ],
    [
      { task: 't', schedule: 30, options: { task_id: 'x' } },
      'taskId: expected none, since each run has an id of its own, made of the entry and the tick.',
    ],
  ])('names the entry that is wrong, and reads the others: %j', (given, sentence) => {
    const { entries, errors } = readBeatSchedule({ bad: given, good: { task: 't', schedule: 30 } })
    expect(errors.map(({ message }) => message)).toEqual([`Beat entry "bad": ${sentence}`])
    expect(entries.map(({ name }) => name)).toEqual(['good'])
  })

  it('must be a dict', () => {
    expect(() => readBeatSchedule([])).toThrow(
      improper('beatSchedule: expected { name: { task, schedule, … } }, got an array of 0.'),
    )
  })
})
