// lovage beat against a real Redis, from the outside: many processes and each tick once, through kills and
// freezes; entries looked at and changed; a file in the place of Redis.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { tickId } from '../../src/beat/tick-id.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeProject, type Project } from './project.js'

const tasks = `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.PROJECT_REDIS })
export const note = app.task('note', (x: unknown) => x)
if (process.env.EVERY) app.beat.every('tick', Number(process.env.EVERY), note.si(1), { catchUp: 'all', queue: 'ticks' })
`

let redis: TestRedis
let client: Redis
let project: Project
const env = (more = {}): Record<string, string> => ({ PROJECT_REDIS: redis.url, ...more })
const lovage = (...argv: string[]) => project.lovage(['-A', 'tasks.ts', ...argv], env())
const beat = (...argv: string[]) => lovage('beat', ...argv)
const start = (more: Record<string, string>, ...argv: string[]) =>
  project.start(['-A', 'tasks.ts', 'beat', '-l', 'INFO', ...argv], env(more))

beforeAll(async () => {
  redis = await startRedis({ own: true })
  client = new Redis(redis.url)
  project = makeProject({ 'tasks.ts': tasks })
  return () => client.disconnect()
})

afterEach(async () => {
  await client.flushall()
})

const sent = async (): Promise<string[]> =>
  (await client.lrange('ticks', 0, -1)).reverse().map((raw) => JSON.parse(raw).headers.id)

describe('three processes', () => {
  it('send each tick once, through kill -9, a freeze and its end; within 12 s another one goes on', async () => {
    const everyMs = 100
    const beats = [0, 1, 2].map(() => start({ EVERY: String(everyMs / 1000) }))
    await Promise.all(beats.map((each) => each.line(/beat: Starting\.\.\./)))
    await until(async () => (await sent()).length >= 10)
    const fires = (output: string) => output.match(/Sending due task tick/g)?.length ?? 0
    const leader = () =>
      beats.find(
        (each) => /fires now/.test(each.output().split('\n').at(-2) ?? '') || fires(each.output()) > 0,
      )!

    const frozen = leader()
    frozen.signal('SIGSTOP')
    const stoppedAt = Date.now()
    const others = beats.filter((each) => each !== frozen)
    const second = await until(() => others.find((each) => fires(each.output()) > 0), { timeout: 12_000 })
    expect(Date.now() - stoppedAt).toBeLessThan(12_000)
    frozen.signal('SIGCONT')
    const count = (await sent()).length
    await until(async () => (await sent()).length >= count + 20)

    second.signal('SIGKILL')
    const killedAt = (await sent()).length
    await until(async () => (await sent()).length >= killedAt + 20, { timeout: 12_000 })
    for (const each of beats)
      if (each !== second) expect(await each.stop()).toEqual({ code: 0, signal: null })

    const ids = await sent()
    expect(new Set(ids).size).toBe(ids.length)
    const from = Math.floor((Date.now() - 120_000) / everyMs)
    const place = new Map(
      Array.from({ length: 1300 }, (_, i) => [tickId('proj', 'tick', (from + i) * everyMs), i]),
    )
    const places = ids.map((id) => place.get(id)!)
    // Every tick from the first to the last: those of the freeze and of the kill were caught up.
    expect(places).toEqual(places.map((_, index) => places[0]! + index))
  })
})

describe('the process', () => {
  it('says what it does, keeps a pidfile, and ends with 0 on TERM', async () => {
    const running = start({ EVERY: '0.2' }, '--pidfile', 'beat.pid', '--max-interval', '2')
    await running.line(/Scheduler: Sending due task tick \(note\) [0-9a-f-]{36}, \d+ ms late$/)
    expect(running.stdout()).toMatch(/^lovage beat v\d+\.\d+\.\d+ is starting\.$/m)
    expect(running.stdout()).toMatch(/\. broker -> redis:\/\/.*\n.*\n {4}\. db -> redis:/)
    expect(running.stdout()).toContain('. maxinterval -> 0.03 minutes (2s)')
    const held = await beat('--pidfile', 'beat.pid')
    expect(held.code).toBe(73)
    expect(await running.stop()).toEqual({ code: 0, signal: null })
    expect(existsSync(join(project.directory, 'beat.pid'))).toBe(false)
  })

  it('takes --max-interval 0 for what the settings say, as Celery does', async () => {
    const running = start({ EVERY: '0.2' }, '--max-interval', '0')
    await running.line(/Scheduler: Sending due task tick/)
    expect(running.stdout()).toContain('. maxinterval -> 5.00 minutes (300s)')
    expect(await running.stop()).toEqual({ code: 0, signal: null })
  })

  it('runs inside a worker with -B', async () => {
    const worker = project.start(
      ['-A', 'tasks.ts', 'worker', '-B', '-Q', 'ticks', '-l', 'INFO'],
      env({ EVERY: '0.1' }),
    )
    await worker.line(/Task note\[.*\] succeeded/)
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
  })

  it('keeps its entries in a file that a person can read, and finds them again', async () => {
    const running = start({ EVERY: '0.1' }, '-s', 'beat.json')
    const path = join(project.directory, 'beat.json')
    await until(() => existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).entries.tick.state.runs >= 2)
    expect(await beat('-s', 'beat.json', 'pause', 'tick')).toEqual({ code: 0, out: 'Paused tick.', err: '' })
    await running.stop('SIGKILL')
    const kept = JSON.parse(readFileSync(path, 'utf8')).entries.tick
    expect(kept).toMatchObject({ definition: { source: 'code', entry: { name: 'tick', paused: true } } })
    expect(kept.history.length).toBeGreaterThan(1)
    expect((await client.keys('lovage:beat:*')).sort()).toEqual(
      expect.not.arrayContaining(['lovage:beat:proj:entries']),
    )
    expect(await client.ttl('lovage:beat:proj:fired:tick')).toBeGreaterThan(86_400)
  })
})

describe('entries', () => {
  it('are added, shown, changed, run and removed', async () => {
    expect(await beat('list')).toEqual({
      code: 0,
      out: 'There are no entries. A beat stores those of the program when it starts.',
      err: '',
    })
    expect(
      await beat(
        'add',
        'nightly',
        'note',
        '--crontab',
        '15 2 * * *',
        '--timezone',
        'Europe/Berlin',
        '-a',
        '["x"]',
        '--queue',
        'io',
        '--expires',
        '60',
      ),
    ).toEqual({ code: 0, out: 'Added nightly.', err: '' })
    const list = await beat('list')
    expect(list.out).toMatch(
      /^NAME +SCHEDULE +TASK +NEXT RUN +LAST RUN +LAST TASK +STATE +DRIFT +RUNS\nnightly {2}crontab 15 2 \* \* \* {2}note {2}\d{4}-/,
    )
    const [entry] = JSON.parse((await beat('list', '--json')).out)
    expect(entry).toMatchObject({
      name: 'nightly',
      source: 'runtime',
      runs: 0,
      lastRun: null,
      timezone: 'Europe/Berlin',
    })

    expect((await beat('update', 'nightly', '--every', '1h', '-a', '["y"]')).out).toBe('Updated nightly.')
    expect((await beat('pause', 'nightly')).out).toBe('Paused nightly.')
    const { out: id } = await beat('run', 'nightly')
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    const [message] = await client.lrange('io', 0, -1)
    expect(JSON.parse(message!).headers).toMatchObject({ id, task: 'note', argsrepr: "('y',)" })
    const shown = (await beat('show', 'nightly')).out
    expect(shown).toMatch(/^nightly\n {2}schedule +every 1h\n/)
    expect(shown).toMatch(
      new RegExp(
        `next run +paused\\n[\\s\\S]*last task +${id} PENDING\\n[\\s\\S]*runs +1\\nhistory\\n.*now +${id}`,
      ),
    )
    expect((await beat('next', 'nightly')).out).toMatch(/^nightly is paused: /)
    expect((await beat('resume', 'nightly')).out).toBe('Resumed nightly.')
    expect((await beat('next', 'nightly', '-n', '2')).out.split('\n')).toHaveLength(2)
    expect((await beat('remove', 'nightly')).out).toBe('Removed nightly.')
  })

  it.each([
    [
      ['-S', 'tape', 'list'],
      2,
      /^lovage: beatScheduler: expected "redis", "memory", "file" or null, got "tape"$/,
    ],
    [['show', 'no'], 1, /^lovage: There is no beat entry named "no"/],
    [
      ['add', 'a', 'note', '--crontab', '61 * * * *'],
      2,
      /^lovage: Beat entry "a": crontab: minute: expected .* got/,
    ],
    [['add', 'a', 'note', '--crontab', '0 0 31 2 *'], 2, /never does/],
    [
      ['add', 'a', 'note', '--every', '5', '--timezone', 'Europe/Berln'],
      2,
      /^lovage: Beat entry "a": timezone: expected an IANA time zone .* Did you mean Europe\/Berlin\?$/,
    ],
    [
      ['add', 'a', 'note', '--every', '5', '--overlap', 'maybe'],
      2,
      /^lovage: Beat entry "a": overlap: expected "allow", "skip" or "queue", got "maybe"/,
    ],
    [['add', 'a', 'note', '--every', '5'], 2, /^lovage: Beat entry "a": .*note.* takes/],
    [['add', 'a', 'note', '--priority', 'high'], 2, /--priority <n>' argument 'high' .* from 0 to 9/],
    [['add', 'a', 'note', '--solar', 'sunrise'], 2, /^lovage: --solar: expected event,lat.*, got sunrise\.$/],
    [['add', 'a', 'note', '--solar', 'sunrise,52,east'], 2, /, got sunrise,52,east\.$/],
  ] as const)('%j says what is wrong', async (words, code, sentence) => {
    const answer = await beat(...words)
    expect(answer.err).toMatch(sentence)
    expect(answer).toMatchObject({ code, out: '' })
  })

  it('next prints the coming ticks of an expression in its zone, without an app', async () => {
    const { out } = await project.lovage([
      'beat',
      'next',
      '30 2 * * *',
      '-n',
      '3',
      '--timezone',
      'Europe/Berlin',
    ])
    expect(out.split('\n')).toEqual(
      Array(3).fill(expect.stringMatching(/^\w{3} \d{4}-\d\d-\d\d 02:30:00 \+0[12]:00 Europe\/Berlin$/)),
    )
    const wrong = await project.lovage(['beat', 'next', '30 2 *'])
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(wrong.err).toMatch(/^lovage: "30 2 \*" is no expression: expected five fields/)
  })
})
