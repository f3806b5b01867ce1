// Each example is run as a reader would run it, and checked for what it prints.
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { run } from '../support/processes.js'
import { startRedis } from '../support/redis.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url))

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

const example = async (name: string, env: Record<string, string> = {}) => {
  const { stdout } = await run(process.execPath, [jiti, `examples/${name}`], { cwd: root, env })
  return stdout().trimEnd().split('\n')
}

const expected: Readonly<Record<string, readonly string[]>> = {
  '01-hello.ts': ['Hello, world!', 'Hello, Lovage!', 'Hello, you!'],
  '02-chain-and-parents.ts': ['16', '16 8 4', 'the total is 36'],
  '03-chord.ts': [
    '[ 4, 2, 3 ]',
    '9',
    '[ 3, 5 ]',
    'chord([chords.countWords("the quick brown fox"), chords.countWords("jumps over"), chords.countWords("the lazy dog")], chords.total() | chords.report())',
    '9 words',
  ],
  '04-retries-and-errors.ts': [
    'https://example.com after 2 retries',
    'connected at try 3',
    'true OutOfStock: no pears left',
    "SyntaxError | SyntaxError: Expected property name or '}' in JSON at position 1",
    'errors.order failed: no plums left',
  ],
  '06-periodic.ts': [
    '03-29T0',
    'three-times ran 3 times',
    'heartbeat, loaded 3 rows, three',
    'crontab 0 7 * * mon-fri | Europe/Berlin | 0 runs',
  ],
  '09-several-beats.ts': [
    '3 beats, 1 leads',
    'another one leads: true',
    'each tick once, none left out: true',
  ],
  '10-watching.ts': [
    "watching.resize('pear.png',) 50 %",
    "watching.resize('pear.png',) 100 %",
    "watching.resize('pear.png',) → 'pear.small.png'",
    "watching.resize('plum.doc',) 50 %",
    "watching.resize('plum.doc',) 100 %",
    "watching.resize('plum.doc',) failed: TypeError('plum.doc is no picture')",
  ],
  '07-runtime-schedules.ts': [
    'synced account 42',
    'now account 43',
    'paused: true',
    'last run: now true',
    'ImproperlyConfigured: There is a beat entry named "account-42" already.',
    '0 entries',
  ],
}

describe('the examples print what they promise', () => {
  it.each(Object.entries(expected))('%s on memory://', async (name, lines) => {
    const printed = await example(name)
    expect(printed).toHaveLength(lines.length)
    lines.forEach((line, index) => expect(printed[index]).toContain(line))
  })

  it('over Redis as well', async () => {
    const redis = await startRedis()
    for (const [name, lines] of Object.entries(expected)) {
      const printed = await example(name, { LOVAGE_BROKER_URL: redis.url })
      lines.forEach((line, index) => expect(printed[index]).toContain(line))
    }
  })
})

const tour = `
await app.worker({ concurrency: 10 }).start() → 'celery@
await add.delay(2, 2).get() → 4
await chain(add.s(2, 2), add.s(4), add.s(8)).delay().get() → 16
const result = await chain(add.si(2, 2), add.si(4, 4), add.si(8, 8)).delay() → AsyncResult <id>
await result.get() → 16
await result.parent.get() → 8
await result.parent.parent.get() → 4
await group(add.s(1, 1), add.s(2, 2), add.s(3, 3)).delay().get() → [ 2, 4, 6 ]
await chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], sum.s()).delay().get() → 12
await flaky.delay('the file').get() → 'the file, at try 3'
await fail.s().linkError(tell.s()).delay().get() → TypeError: this one never works
tell was called with → the failed id, <id>
app.beat.every('heartbeat', 1, beat.si()) → '3 runs'
`
  .trim()
  .split('\n')

describe('npm start', () => {
  const steps = (stdout: string) =>
    stdout
      .split('\n')
      .filter((line) => line.includes('→'))
      .map((line) => line.replace(/\s+→/, ' →').replace(uuid, '<id>'))

  it('runs the whole tour on memory://, without colours in a pipe', async () => {
    const { stdout } = await run('npm', ['start', '--silent'], { cwd: root })
    expect(stdout()).not.toContain('\u001B')
    expect(steps(stdout())).toEqual(tour.map((line) => expect.stringContaining(line)))
  })

  it('runs the very same on a Redis', async () => {
    const redis = await startRedis()
    const { stdout } = await run('npm', ['start', '--silent', '--', '--broker', redis.url], { cwd: root })
    expect(steps(stdout())).toEqual(tour.map((line) => expect.stringContaining(line)))
  })
})
