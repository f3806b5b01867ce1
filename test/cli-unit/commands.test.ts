// What the commands ask of an app, with a stub in its place.
import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import { report } from '../../src/cli/report.js'
import { readSettings } from '../../src/config.js'
import { describeSettings } from '../../src/runtime/control/conf.js'
import { temporaryDirectory } from '../support/processes.js'
import { settings, stubApp } from './fixtures/stub.js'
import { lovage } from './terminal.js'

// The command line loads modules by itself: the app is put where that module finds it.
const fixture = 'test/cli-unit/fixtures/lent.ts'
const app = stubApp(settings)
const { asked } = app
;(globalThis as { lentApp?: unknown }).lentApp = app
beforeEach(() => app.reset())

const host = hostname()

describe('worker', () => {
  const worker = (...argv: string[]) => lovage(['-A', fixture, 'worker', ...argv])

  it('prints the banner in Celery’s shape, passwords masked, tasks at INFO', async () => {
    const { code, out, err } = await worker('-l', 'INFO', '-c', '4', '-Q', 'full,feeds')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const lines = out.split('\n')
    expect(lines[1]).toBe(` -------------- celery@${host} v1.2.3 (lovage)`)
    expect(out).toMatch(/^- \*\* -{10} \.> app: {9}stub$/m)
    expect(out).toMatch(/^- \*\* -{10} \.> transport: {3}redis:\/\/user:\*\*@localhost:6379\/0$/m)
    expect(out).toMatch(/^- \*\*\* --- \* --- \.> concurrency: 4 \(prefork\)$/m)
    expect(out).toMatch(/^ {16}\.> full {13}exchange=full\(direct\) key=full$/m)
    expect(out).toMatch(/^ {16}\.> feeds {12}exchange=feeds\(topic\) key=feeds$/m)
    expect(out).toMatch(/\n\[tasks\]\n {2}\. proj\.add\n {2}\. proj\.mul\n/)
    expect(out).not.toContain('secret')
  })

  it('lists no tasks above INFO, and the built-in ones at DEBUG', async () => {
    expect((await worker()).out).not.toContain('[tasks]')
    expect((await worker('-l', 'debug')).out).toContain('  . celery.group')
  })

  it('prints no banner with -q', async () => {
    expect((await lovage(['-q', '-A', fixture, 'worker'])).out).toBe('')
  })

  it('passes its options on', async () => {
    await worker(
      '-P',
      'gevent',
      '-c',
      '7',
      '-n',
      'w1@%h',
      '-Q',
      'a,b',
      '-X',
      'b',
      '--prefetch-multiplier',
      '3',
    )
    await worker('-P', 'solo', '-c', '7', '--time-limit=30', '--soft-time-limit', '20.5')
    await worker('--time-limit=0', '--soft-time-limit=0', '--heartbeat-interval=0')
    expect(asked.workers[2]).toMatchObject({ timeLimit: 0, softTimeLimit: 0, heartbeat: 0 })
    expect(asked.workers[0]).toMatchObject({
      pool: 'gevent',
      concurrency: 7,
      hostname: `w1@${host}`,
      queues: ['a', 'b'],
      excludeQueues: ['b'],
      prefetchMultiplier: 3,
    })
    expect(asked.workers[1]).toMatchObject({
      pool: 'solo',
      timeLimit: 30,
      softTimeLimit: 20.5,
    })
    expect(asked.closed).toBe(3)
  })

  it('passes on what is for pools with children, with the modules that these load', async () => {
    await worker(
      '--autoscale=3,10',
      '--max-tasks-per-child',
      '100',
      '--max-memory-per-child=200000',
      'result_expires=60',
    )
    expect(asked.workers[0]).toMatchObject({
      pool: 'prefork',
      autoscale: { max: 10, min: 3 },
      maxTasksPerChild: 100,
      maxMemoryPerChild: 200000,
      module: [fileURLToPath(new URL('fixtures/lent.ts', import.meta.url))],
      moduleSettings: { result_expires: 60, brokerUrl: 'redis://user:secret@localhost:6379/0' },
    })
    expect((await worker('--autoscale', '4')).out).toContain('.> concurrency: {min=0, max=4} (prefork)')
    expect((await lovage(['-A', fixture, '-b', 'memory://', 'worker'])).out).toContain('(fiber)')
  })

  it('takes settings as words, and options from the environment, ours first', async () => {
    expect((await worker('worker_concurrency=9')).out).toContain('concurrency: 9 (prefork)')
    await lovage(['worker'], {
      env: {
        CELERY_APP: fixture,
        CELERY_WORKER_CONCURRENCY: '3',
        LOVAGE_WORKER_CONCURRENCY: '4',
        APP: 'trap',
      },
    })
    expect(asked.workers.map(({ concurrency }) => concurrency)).toEqual([undefined, 4])
  })

  it('says which variable is wrong', async () => {
    const { code, err } = await lovage(['-A', fixture, 'worker'], { env: { CELERY_WORKER_CONCURRENCY: 'x' } })
    expect({ code, err }).toEqual({
      code: 2,
      err: 'lovage: CELERY_WORKER_CONCURRENCY=x: Expected a whole number of at least 1.',
    })
  })

  it('takes Celery’s harmless options in silence', async () => {
    const flags = ['--without-gossip', '--without-mingle', '-O', 'fair']
    expect(await worker(...flags)).toMatchObject({ code: 0, err: '' })
  })

  it('-E, --heartbeat-interval and --without-heartbeat say what watchers are told', async () => {
    expect((await worker()).out).toContain('.> task events: OFF (enable -E to monitor tasks in this worker)')
    expect((await worker('-E', '--heartbeat-interval', '5')).out).toContain('.> task events: ON\n')
    await worker('--without-heartbeat')
    expect((await worker('worker_send_task_events=true')).out).toContain('.> task events: ON\n')
    expect(asked.workers.map(({ taskEvents, heartbeat }) => [taskEvents, heartbeat])).toEqual([
      [undefined, undefined],
      [true, 5],
      [undefined, false],
      [undefined, undefined],
    ])
  })

  it('--purge empties the queues that it consumes first', async () => {
    const { out } = await worker('--purge', '-Q', 'full,io')
    expect(out).toContain('purge: Erased 3 messages from the queue.')
    expect(asked.purged).toEqual(['full', 'io'])
  })

  it('exits with 73 when its pidfile is held by a live process, and takes a stale one over', async () => {
    const pidfile = join(temporaryDirectory('pid'), '%n.pid')
    const path = pidfile.replace('%n', 'w1')
    writeFileSync(path, `${process.ppid}\n`)
    const held = await worker('-n', 'w1@%h', '--pidfile', pidfile)
    expect(held.code).toBe(73)
    expect(held.err).toBe(
      `ERROR: Pidfile (${path}) already exists.\nSeems we're already running? (pid: ${process.ppid})`,
    )
    writeFileSync(path, '999999999\n')
    const taken = await worker('-n', 'w1@%h', '--pidfile', pidfile)
    expect(taken).toMatchObject({ code: 0, err: 'Stale pidfile exists - Removing it.' })
    expect(() => readFileSync(path)).toThrow('ENOENT')
  })

  it('logs to a file', async () => {
    const logfile = join(temporaryDirectory('log'), '%n%I.log')
    asked.says = 'said by the worker'
    expect(await worker('-n', 'w1@%h', '-f', logfile)).toMatchObject({ code: 0, err: '' })
    expect(readFileSync(logfile.replace('%n%I', 'w1'), 'utf8')).toMatch(
      /^\[\d{4}-.*WARNING\/MainProcess\] said by the worker/,
    )
  })
})

describe('-b', () => {
  it('overrides the app’s broker; the environment only fills a gap', async () => {
    const urlOf = async (argv: string[], env = {}) =>
      /^broker_url: '(.*)'$/m.exec((await lovage([...argv, '-A', fixture, 'report'], { env })).out)?.[1]
    expect(await urlOf([])).toBe('redis://user:********@localhost:6379/0')
    expect(await urlOf([], { CELERY_BROKER: 'redis://other' })).toBe('redis://user:********@localhost:6379/0')
    expect(await urlOf(['-b', 'redis://other'])).toBe('redis://other')
  })
})

describe('call', () => {
  it('sends by name with everything that was said, and prints the id', async () => {
    const line = [
      '-a',
      '[2, "x"]',
      '-k',
      '{"y": 1}',
      '--queue',
      'io',
      '--countdown',
      '1.5',
      '--routing-key',
      'k',
    ]
    const printed = await lovage(['-A', fixture, 'call', 'proj.add', ...line])
    expect(printed).toEqual({ code: 0, out: 'an-id', err: '' })
    expect(asked.sent).toEqual([
      {
        name: 'proj.add',
        args: [2, 'x'],
        options: { kwargs: { y: 1 }, queue: 'io', countdown: 1.5, routingKey: 'k' },
      },
    ])
  })

  it('reads dates with and without an offset, and expiry as seconds or a date', async () => {
    await lovage(['-A', fixture, 'call', 'x', '--eta', '2026-11-20T21:30:00', '--expires', '60'])
    await lovage([
      '-A',
      fixture,
      'call',
      'x',
      '--eta',
      '2026-11-20 21:30:00+01:00',
      '--expires',
      '2026-11-21',
    ])
    expect(asked.sent.map(({ options }) => options)).toEqual([
      { eta: new Date('2026-11-20T21:30:00Z'), expires: 60 },
      { eta: new Date('2026-11-20T20:30:00Z'), expires: new Date('2026-11-21T00:00:00Z') },
    ])
  })
})

describe('result', () => {
  it('prints a text as it is, and data as JSON', async () => {
    expect((await lovage(['-A', fixture, 'result', 'text'])).out).toBe('plain text')
    expect((await lovage(['-A', fixture, 'result', 'x'])).out).toBe('{"id":"x"}')
  })

  it('prints the traceback of a failure and exits with 1', async () => {
    const traceback = 'Traceback (most recent call last):\nTypeError: boom'
    expect(await lovage(['-A', fixture, 'result', 'failed'])).toEqual({ code: 1, out: '', err: traceback })
    expect(await lovage(['-A', fixture, 'result', '--traceback', 'failed'])).toEqual({
      code: 0,
      out: traceback,
      err: '',
    })
  })
})

describe('graph', () => {
  const drawn = (...argv: string[]) => lovage(['-A', 'test/cli-unit/fixtures/drawn.ts', 'graph', ...argv])

  it('draws an exported canvas, an exported task by its name, and results by their id', async () => {
    expect((await drawn('nightly')).out).toBe(
      'flowchart LR\n  n0["proj.add() × 2"]\n  n1["proj.sum()"]\n  n0 --> n1',
    )
    expect((await drawn('proj.add', '--format', 'dot')).out).toContain('n0 [label="proj.add()"];')
    expect((await drawn('some-id')).out).toContain('n0["proj.add<br/>SUCCESS"]')
    expect((await lovage(['-A', fixture, 'graph', 'some-id', '-f', 'dot'])).out).toContain('fillcolor')
  })

  it('draws a workflow from its beginning, whichever step was asked for', async () => {
    expect((await drawn('step-3')).out).toContain('n0["step-1<br/>SUCCESS"]')
    expect((await drawn('step-1')).out).toContain('n0["step-1<br/>SUCCESS"]')
    expect((await drawn('body')).out).toContain('n0["step-0<br/>SUCCESS"]')
  })

  it('knows a name that is nothing from a result that is not there yet', async () => {
    expect(await drawn('nightyl')).toMatchObject({
      code: 2,
      err: expect.stringContaining(
        'Nothing is called nightyl: neither an exported canvas (nightly), nor an exported task (proj.add), nor a result',
      ),
    })
  })
})

describe('purge', () => {
  it('asks in Celery’s words, and does nothing without a yes', async () => {
    const { code, out, err } = await lovage(['-A', fixture, 'purge'], { answer: 'n' })
    expect({ code, err }).toEqual({ code: 1, err: 'Aborted!' })
    expect(out).toBe(
      'WARNING:This will remove all tasks from queues: celery, full, io.\n' +
        '         There is no undo for this operation!\n\n' +
        '(to skip this prompt use the -f option)\n' +
        'Are you sure you want to delete all tasks? [y/N]: ',
    )
    expect(asked.purged).toEqual([])
    expect((await lovage(['-A', fixture, 'purge'])).code).toBe(1)
  })

  it('counts what it dropped', async () => {
    const purge = async (...argv: string[]) => (await lovage(['-A', fixture, 'purge', ...argv])).out
    expect(await purge('-f')).toBe('Purged 3 messages from 3 known task queues.')
    expect(await purge('-f', '-X', 'full,io')).toBe('No messages purged from 1 queue.')
    expect(await purge('-f', '-Q', 'full')).toBe('Purged 3 messages from 1 known task queue.')
    expect((await lovage(['-A', fixture, 'purge'], { answer: 'y' })).out).toMatch(/Purged 3 messages/)
  })
})

describe('report', () => {
  it('has Celery’s layout, changed settings only, and no passwords', async () => {
    const { out } = await lovage(['-A', fixture, 'report'])
    const [blank, software] = out.split('\n')
    expect(blank).toBe('')
    expect(software).toBe(`software -> lovage:1.2.3 node:${process.versions.node}`)
    expect(out).toMatch(/\nplatform -> system:\w+ arch:\w+\n/)
    expect(out).toMatch(/\nsettings -> transport:redis results:redis:\/\/user:\*\*@localhost:6379\/0\n\n/)
    expect(out).toMatch(/\nbroker_url: 'redis:\/\/user:\*{8}@localhost:6379\/0'\n/)
    expect(out).not.toMatch(/secret|task_acks_late/)
  })

  it('shows transport options without what opens the sentinels', () => {
    const brokerTransportOptions = { masterName: 'm', sentinelKwargs: { password: 'planted' } }
    const settings = readSettings({ brokerTransportOptions }, {})
    const text = report({ name: 'proj', settings }, '1.2.3', undefined)
    expect(text).toContain(
      "broker_transport_options: { masterName: 'm', sentinelKwargs: { password: '********' } }",
    )
    const shown = describeSettings(settings)
    expect(shown).toMatchObject({
      broker_transport_options: { master_name: 'm', sentinel_kwargs: { password: '********' } },
    })
    expect(
      describeSettings(readSettings({ broker: 'sentinel://a:1;sentinel://me:p@planted@b:1' }, {})),
    ).toMatchObject({
      broker_url: 'sentinel://a:********@b:1',
    })
  })
})
