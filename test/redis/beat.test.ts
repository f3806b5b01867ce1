// Beats over a real Redis: many of them, each tick once, whoever leads, whatever its clock says.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { tickId } from '../../src/beat/tick-id.js'
import { type App, chord, createApp, crontab, every, group } from '../../src/index.js'
import { createLogger } from '../../src/log.js'
import { RedisBroker } from '../../src/redis/broker.js'
import { Proxy } from '../faults/support/proxy.js'
import { leaks } from '../support/leaks.js'
import { temporaryDirectory } from '../support/processes.js'
import { until } from '../support/until.js'
import { useRoom } from './room.js'

const room = await useRoom(['--appendonly', 'yes', '--appendfsync', 'always'])
const { client, server } = room

const apps: App[] = []
const wires: Proxy[] = []
const lines: string[] = []
const log = createLogger({ level: 'INFO', write: (line) => void lines.push(line) })

const open = (name = 'proj', settings = {}) => {
  const app = createApp(name, { broker: server.url, ...settings })
  apps.push(app)
  const ran: unknown[] = []
  const note = app.task('note', (what: unknown) => void ran.push(what))
  return { app, note, ran }
}

afterEach(async () => {
  vi.restoreAllMocks()
  for (const wire of wires.splice(0)) wire.close()
  await Promise.all(apps.splice(0).map((app) => app.close()))
  lines.length = 0
})

/** Task ids in the queue, the oldest first. */
const sent = async (queue = 'celery'): Promise<string[]> =>
  (await client.lrange(queue, 0, -1)).reverse().map((raw) => JSON.parse(raw).headers.id)

/** Each tick of an interval is in the queue once, and in order. */
const expectEachOnce = async (name: string, intervalMs: number, least: number) => {
  const ids = await sent()
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThanOrEqual(least)
  const first = Math.floor((Date.now() - 60_000) / intervalMs) * intervalMs
  const ticks = Array.from({ length: 70_000 / intervalMs }, (_, index) => first + index * intervalMs)
  const place = new Map(ticks.map((tick, index) => [tickId('proj', name, tick), index]))
  const places = ids.map((id) => place.get(id))
  expect(places).toEqual(ids.map((_, index) => places[0]! + index))
}

describe('three beats', () => {
  const three = async () => {
    const all = [open(), open(), open()]
    for (const { app, note } of all) app.beat.every('tick', 0.05, note.si(1), { catchUp: 'all' })
    await Promise.all(all.map(({ app }) => app.beat.start({ log })))
    return all
  }

  it('send each tick once; one leads, and another takes over when it stops', async () => {
    const all = await three()
    await until(async () => (await sent()).length >= 10)
    const leader = all.find(({ app }) => app.beat.leads)!
    expect(all.filter(({ app }) => app.beat.leads)).toHaveLength(1)
    await leader.app.beat.stop()
    const count = (await sent()).length
    await until(async () => (await sent()).length >= count + 10)
    await expectEachOnce('tick', 50, 20)
    expect(lines.join('\n')).toMatch(/Scheduler: Sending due task tick \(note\) [0-9a-f-]{36}, \d+ ms late/)
  })

  it('send each tick once even if all of them lead', async () => {
    vi.spyOn(RedisBroker.prototype, 'lead').mockResolvedValue(true)
    const all = await three()
    await until(async () => (await sent()).length >= 60)
    expect(all.filter(({ app }) => app.beat.leads)).toHaveLength(3)
    await expectEachOnce('tick', 50, 60)
  })

  it('on a host whose clock jumps an hour, there and back: nothing twice, nothing early, nothing expired', async () => {
    const { now } = Date
    const all = [open(), open(), open()]
    for (const { app, note } of all) app.beat.every('tick', 0.05, note.si(1), { catchUp: 'all', expires: 60 })
    await Promise.all(all.map(({ app }) => app.beat.start({ log })))
    await until(async () => (await sent()).length >= 5)
    for (const jump of [3_600_000, -3_600_000, 0]) {
      Date.now = () => now() + jump
      const count = (await sent()).length
      await until(async () => (await sent()).length >= count + 10).finally(() => {
        Date.now = now
      })
    }
    await expectEachOnce('tick', 50, 30)
    for (const raw of await client.lrange('celery', 0, -1)) {
      const expires = Date.parse(JSON.parse(raw).headers.expires)
      expect(Math.abs(expires - Date.now() - 60_000)).toBeLessThan(60_000)
    }
  })

  it('outlive a network that parts one of them from Redis; what it had sent arrives late, and is refused', async () => {
    const all = []
    for (let i = 0; i < 3; i++) {
      const line = { heal: () => undefined as void, isCut: false, healed: Promise.resolve() }
      const wire = await Proxy.open(server.url, { onCall: () => (line.isCut ? line.healed : 'pass') })
      wires.push(wire)
      const { app, note } = open('proj', { broker: wire.url })
      app.beat.every('tick', 0.05, note.si(1), { catchUp: 'all' })
      await app.beat.start({ log })
      all.push({ app, line })
    }
    await until(async () => (await sent()).length >= 10)
    const { app: parted, line } = all.find(({ app }) => app.beat.leads)!
    line.healed = new Promise((resolve) => {
      line.heal = resolve
    })
    line.isCut = true
    // What was on its way has arrived; from then on it is silent.
    await new Promise((resolve) => setTimeout(resolve, 200))
    const count = (await sent()).length
    await until(async () => (await sent()).length >= count + 20)
    expect(all.filter(({ app }) => app !== parted && app.beat.leads)).toHaveLength(1)
    line.isCut = false
    line.heal()
    await until(() => !parted.beat.leads)
    const healed = (await sent()).length
    await until(async () => (await sent()).length >= healed + 20)
    await expectEachOnce('tick', 50, 50)
  })

  it('with a file of its own each, of which the others know nothing', async () => {
    vi.spyOn(RedisBroker.prototype, 'lead').mockResolvedValue(true)
    const directory = temporaryDirectory('beats')
    for (const file of ['a.json', 'b.json', 'c.json']) {
      const { app, note } = open('proj', { beatScheduleFilename: join(directory, file) })
      app.beat.every('tick', 0.05, note.si(1), { catchUp: 'all' })
      await app.beat.start({ log })
    }
    await until(async () => (await sent()).length >= 60)
    await expectEachOnce('tick', 50, 60)
  })

  it('tell each run once, also where a file had not heard of the last ones before a kill', async () => {
    const path = join(temporaryDirectory('beats'), 'beat.json')
    const start = async () => {
      const { app, note } = open('proj', { beatScheduleFilename: path })
      app.beat.every('tick', 0.05, note.si(1), { catchUp: 'all' })
      await app.beat.start({ log })
      return app
    }
    const killed = await start()
    const early = readFileSync(path)
    await until(async () => (await sent()).length >= 5)
    await killed.close()
    writeFileSync(path, early)
    const before = (await sent()).length
    // Some ticks pass that nobody fires.
    await new Promise((resolve) => setTimeout(resolve, 200))
    const next = await start()
    await until(async () => (await sent()).length >= before + 10)
    await next.beat.stop()
    const told = lines.flatMap((line) => /Sending due task tick \(note\) (\S+),/.exec(line)?.[1] ?? [])
    expect(told).toEqual(await sent())
  })

  it('outlive a restart of Redis', async () => {
    await three()
    await until(async () => (await sent()).length >= 5)
    await server.restart()
    const before = (await until(() => sent().catch(() => undefined), { timeout: 20_000 })).length
    await until(async () => (await sent()).length >= before + 10, { timeout: 20_000 })
    await expectEachOnce('tick', 50, 15)
  })

  it('give a Redis that came back empty their entries again', async () => {
    await three()
    await until(async () => (await sent()).length >= 5)
    await client.flushall()
    await server.restart()
    await until(async () => (await sent().catch(() => [])).length >= 5, { timeout: 20_000 })
    expect(lines.join('\n')).toContain('beat: The store has come back empty')
  })
})

describe('an entry that is changed while a beat runs', () => {
  // Within a second, where nobody else uses the machine.
  it('is made, seen, changed, paused, resumed, run and taken away', async () => {
    const beat = open()
    const other = open()
    await beat.app.worker({ concurrency: 5, log }).start()
    await beat.app.beat.start({ log })
    await until(() => beat.app.beat.leads)

    await other.app.beat.create('job', { schedule: every(0.05), run: other.note.si('a') })
    await until(() => beat.ran.length >= 3)
    await other.app.beat.update('job', { run: other.note.si('b') })
    await until(() => beat.ran.at(-1) === 'b')
    const view = await other.app.beat.get('job')
    expect(view).toMatchObject({ schedule: 'every 50ms', task: 'note', source: 'runtime', paused: false })
    expect(view.runs).toBeGreaterThan(3)

    await other.app.beat.pause('job')
    // Four ticks long nothing runs; in many short waits, so that a beat that is late itself has its turn in between.
    await until(async () => {
      const count = beat.ran.length
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10))
      return beat.ran.length === count
    })
    expect(await other.app.beat.get('job')).toMatchObject({ paused: true, nextRun: null })
    const count = beat.ran.length
    const id = await other.app.beat.runNow('job')
    await until(() => beat.ran.length === count + 1)
    expect((await other.app.beat.history('job', 1))[0]).toMatchObject({ kind: 'now', taskId: id })

    await other.app.beat.resume('job')
    await until(() => beat.ran.length >= count + 3)
    await other.app.beat.remove('job')
    await expect(other.app.beat.get('job')).rejects.toThrow(/^There is no beat entry named "job"/)
    const left = await client.keys('lovage:beat:proj:*')
    expect(left.filter((key) => /:(states|entries|history)/.test(key))).toEqual([])
  })

  it('is refused when there is one of its name, or none', async () => {
    const { app, note } = open()
    await app.beat.create('job', { schedule: 60, run: note.si(1) })
    await expect(app.beat.create('job', { schedule: 60, run: note.si(1) })).rejects.toThrow(
      'There is a beat entry named "job" already.',
    )
    for (const act of [app.beat.pause('no'), app.beat.remove('no'), app.beat.runNow('no')])
      await expect(act).rejects.toThrow('There is no beat entry named "no"')
  })

  it('that cannot be read is named and passed over; the others run', async () => {
    const { app, note, ran } = open()
    await app.worker({ log }).start()
    app.beat.every('good', 0.05, note.si(1))
    await app.beat.create('new', { schedule: 60, run: note.si(1) })
    const stored = String(await client.hget('lovage:beat:proj:entries', 'new'))
    await client.hset('lovage:beat:proj:entries', {
      new: stored.replace('"version":1', '"version":9'),
      broken: '1 {"half',
      odd: 'nothing',
      never: stored.replace('"new"', '"never"'),
      guest: stored.replace('"new"', '"guest"'),
    })
    await client.hset('lovage:beat:proj:states', {
      broken: '1 {}',
      odd: '1 {}',
      never: '1 {"version":1,"sinceMs":1e300,"lastTickMs":null,"runs":0}',
      guest: `1 {"version":1,"sinceMs":${Date.now()},"lastTickMs":null,"runs":0,"lastRun":{"id":"x","atMs":"noon"}}`,
    })
    const history = ['{"kind":"run","tickMs":1e300}', 'nothing', '{"kind":"now","tickMs":null,"atMs":9e15}']
    await client.rpush('lovage:beat:proj:history:guest', ...history)
    await app.beat.start({ log })
    await until(() => ran.length >= 2)
    const said = lines.join('\n')
    for (const name of ['new', 'broken', 'odd', 'never'])
      expect(said).toMatch(new RegExp(`ERROR.*Beat entry "${name}"`))
    expect(said).toMatch(/version 9, and this Lovage reads versions up to 1/)
    expect((await app.beat.list()).filter((view) => 'trouble' in view)).toHaveLength(4)
    expect(await app.beat.get('guest')).toMatchObject({ lastRun: null, drift: null })
    expect(await app.beat.history('guest')).toEqual([])
  })
})

describe('what lies in Redis and cannot be read', () => {
  it('of the program is written anew while the beat runs; what a newer version wrote is left alone', async () => {
    const { app, note, ran } = open()
    app.beat.every('mine', 0.05, note.si('mine'))
    app.beat.every('newer', 0.05, note.si('newer'))
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.includes('mine') && ran.includes('newer'))
    const newer = '9000 {"version":9}'
    await client.hset('lovage:beat:proj:states', { mine: '9000 {"half', newer })
    await until(() => lines.some((line) => /"mine".*written anew/.test(line)))
    const before = ran.filter((what) => what === 'mine').length
    await until(() => ran.filter((what) => what === 'mine').length >= before + 3)
    await until(() => lines.some((line) => /"newer": .*is of version 9.*It is passed over\./.test(line)))
    await app.beat.stop()
    await app.beat.start({ log })
    await until(() => lines.filter((line) => /"newer": .*version 9/.test(line)).length === 2)
    expect(await client.hget('lovage:beat:proj:states', 'newer')).toBe(newer)
  })

  it.each(['states', 'entries', 'changes', 'lead'])(
    'a key of another kind is named, and nothing is half done: %s',
    async (part) => {
      const { app, note } = open()
      const key = `lovage:beat:proj:${part}`
      await (part === 'lead' ? client.lpush(key, 'mine') : client.set(key, 'mine'))
      const sentence = new RegExp(`The key "${key}" at redis://.* was expected to hold a \\w+ of Lovage's`)
      if (part === 'lead') {
        await app.beat.start({ log })
        await until(() => lines.some((line) => sentence.test(line)))
        await client.del(key)
        await until(() => app.beat.leads)
        return
      }
      await expect(app.beat.create('job', { schedule: 60, run: note.si(1) })).rejects.toThrow(sentence)
      expect(await client.keys('lovage:beat:*')).toEqual([key])
      await client.del(key)
      await app.beat.create('job', { schedule: 60, run: note.si(1) })
    },
  )

  it('a list of changes that is none is told by a beat that listens, once, and it hears again when that is gone', async () => {
    const { app, note, ran } = open()
    const key = 'lovage:beat:proj:changes'
    app.beat.every('tick', 0.05, note.si('tick'))
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.includes('tick'))
    const told = (): number => lines.filter((line) => line.includes(`The key "${key}"`)).length
    await client.multi().del(key).set(key, 'mine').exec()
    await until(() => told() === 1)
    const before = ran.length
    await until(() => ran.length >= before + 40)
    await client.del(key)
    await app.beat.create('late', { schedule: every(0.05), run: note.si('late') })
    await until(() => ran.includes('late'))
    expect(told()).toBe(1)
  })

  it('a history that is none stops its entry, which is named, until it is gone; the others run', async () => {
    const { app, note, ran } = open()
    const key = 'lovage:beat:proj:history:odd'
    await client.set(key, 'mine')
    app.beat.every('odd', 0.05, note.si('odd'), { catchUp: 'all' })
    app.beat.every('good', 0.05, note.si('good'))
    await app.worker({ log }).start()
    await app.beat.start({ log })
    await until(() => ran.filter((what) => what === 'good').length >= 3)
    await until(() => lines.some((line) => line.includes(`task odd could not be sent: The key "${key}"`)))
    expect(ran).not.toContain('odd')
    expect((await app.beat.get('odd')).runs).toBe(0)
    await client.del(key)
    await until(() => ran.includes('odd'), { timeout: 15_000 })
  })
})

describe('entries of the program', () => {
  it('keep history and pause over a restart; those it no longer has go, those made at run time stay', async () => {
    const first = open()
    first.app.beat.every('kept', 0.05, first.note.si(1))
    first.app.beat.every('dropped', 60, first.note.si(1))
    await first.app.beat.create('runtime', { schedule: 60, run: first.note.si(1) })
    await first.app.beat.start({ log })
    await until(async () => (await first.app.beat.get('kept')).runs >= 2)
    await first.app.beat.pause('kept')
    await first.app.close()
    const second = open()
    second.app.beat.add('kept', { schedule: crontab('15 2 * * *'), run: second.note.si(2) })
    await second.app.beat.start({ log })
    const views = await second.app.beat.list()
    expect(views.map(({ name }) => name)).toEqual(['kept', 'runtime'])
    expect(views[0]).toMatchObject({ paused: true, schedule: 'crontab 15 2 * * *' })
    expect((views[0] as { runs: number }).runs).toBeGreaterThanOrEqual(2)
    expect((await second.app.beat.history('kept')).length).toBeGreaterThanOrEqual(2)
  })

  it('of two apps do not meet', async () => {
    const [one, two] = [open('one'), open('two')]
    one.app.beat.every('tick', 60, one.note.si(1))
    await one.app.beat.start({ log })
    await two.app.beat.start({ log })
    expect(await two.app.beat.list()).toEqual([])
    expect(await one.app.beat.list()).toHaveLength(1)
  })

  it('may be any canvas, with calling options; Python’s dict is read', async () => {
    const { app, note, ran } = open('proj', {
      beatSchedule: { old: { task: 'note', schedule: 0.1, args: ['dict'], options: { queue: 'io' } } },
    })
    app.beat.add('flow', {
      schedule: every(0.1),
      run: chord([group(note.si('a'), note.si('b'))], note.si('body')),
      maxRuns: 1,
    })
    await app.worker({ queues: ['celery', 'io'], log }).start()
    await app.beat.start({ log })
    await until(() => ran.includes('body') && ran.includes('dict'))
    expect(ran.filter((what) => what === 'a')).toHaveLength(1)
  })
})

describe('overlap', () => {
  const slow = (overlap: 'skip' | 'queue') => {
    const { app } = open()
    const runs = { now: 0, most: 0, count: 0 }
    const work = app.task('slow', async () => {
      runs.now += 1
      runs.most = Math.max(runs.most, runs.now)
      await new Promise((resolve) => setTimeout(resolve, 300))
      runs.now -= 1
      runs.count += 1
    })
    app.beat.add('slow', { schedule: every(0.1), run: group(work.si(), work.si()), overlap })
    return { app, runs }
  }

  it.each(['skip', 'queue'] as const)('%s: a run waits for all ends of the one before', async (overlap) => {
    const { app, runs } = slow(overlap)
    await app.worker({ concurrency: 10, log }).start()
    await app.beat.start({ log })
    await until(() => runs.count >= 6)
    expect(runs.most).toBe(2)
    const view = await app.beat.get('slow')
    if (overlap === 'skip') expect(view.skipped).toBeGreaterThan(0)
  })
})

it('what beats leave in Redis has an end, or an entry', async () => {
  const { app, note } = open()
  await app.beat.create('job', { schedule: 0.05, run: note.si(1), queue: 'gone' })
  await app.beat.start({ log })
  await until(async () => (await app.beat.get('job')).runs > 1)
  await app.beat.stop()
  expect(await client.exists('lovage:beat:proj:lead')).toBe(0)
  await app.beat.remove('job')
  expect(await leaks(server.url)).toEqual([])
})

it('a RedBeat is read, with the moments of its last runs, and its keys are left alone', async () => {
  const crontabOf = { __type__: 'crontab', minute: '30', hour: '2', day_of_week: 'mon-fri' }
  const nightly = {
    name: 'nightly',
    task: 'note',
    args: [3],
    kwargs: {},
    options: { expires: 60, queue: 'io' },
  }
  const at = { __type__: 'datetime', year: 2026, month: 11, day: 20, hour: 22, minute: 59, second: 16 }
  await client.hset('redbeat:nightly', {
    definition: JSON.stringify({ ...nightly, schedule: crontabOf, enabled: false }),
    meta: JSON.stringify({
      last_run_at: { ...at, microsecond: 5, timezone: 'Europe/Paris' },
      total_run_count: 7,
    }),
  })
  const every10 = { __type__: 'interval', every: 10.0, relative: false }
  await client.hset('redbeat:often', {
    definition: JSON.stringify({ ...nightly, name: 'often', schedule: every10, enabled: true }),
    meta: JSON.stringify({ last_run_at: null, total_run_count: 1.5 }),
  })
  await client.hset('redbeat:odd', {
    definition: JSON.stringify({ ...nightly, name: 'odd', schedule: { __type__: 'rrule', freq: 'DAILY' } }),
  })
  await client.zadd(
    'redbeat::schedule',
    1,
    'redbeat:nightly',
    2,
    'redbeat:often',
    3,
    'redbeat:odd',
    4,
    'redbeat:gone',
    5,
    'redbeat:text',
  )
  await client.set('redbeat:text', 'mine')
  const before = await client.keys('redbeat:*')
  const { app } = open()
  const { imported, refused } = await app.beat.importRedBeat()
  expect(imported).toEqual(['nightly', 'often'])
  expect(refused).toEqual([
    { name: 'odd', trouble: expect.stringMatching(/^Beat entry "odd": .*rrule/) },
    { name: 'text', trouble: expect.stringMatching(/"text": expected a JSON object, got a key of another/) },
  ])
  const view = await app.beat.get('nightly')
  expect(view).toMatchObject({ paused: true, runs: 7, schedule: 'crontab 30 2 * * mon-fri' })
  expect(await app.beat.get('often')).toMatchObject({ runs: 0, lastRun: null })
  expect(view.definition.options).toMatchObject({ queue: 'io', expires: 60 })
  expect(
    JSON.parse(String(await client.hget('lovage:beat:proj:states', 'nightly')).slice(2)).lastTickMs,
  ).toBe(Date.UTC(2026, 10, 20, 21, 59, 16))
  expect((await app.beat.importRedBeat()).refused).toHaveLength(4)
  expect((await client.keys('redbeat:*')).sort()).toEqual(before.sort())
})

it('beatInit is told, in a worker beatEmbeddedInit as well; a listener that throws stops nothing', async () => {
  const { app } = open()
  const heard: string[] = []
  app.on('beatInit', ({ beat }) => heard.push(`init ${beat === app.beat}`))
  app.on('beatInit', () => {
    throw new Error('boom')
  })
  const off = app.on('beatEmbeddedInit', () => heard.push('embedded'))
  await app.beat.start({ log, embedded: true })
  await app.beat.stop()
  off()
  await app.beat.start({ log, embedded: true })
  expect(heard).toEqual(['init true', 'embedded', 'init true'])
  expect(() => app.on('workerRady' as never, () => undefined)).toThrow(/^app\.on: expected one of .*beatInit/)
})
