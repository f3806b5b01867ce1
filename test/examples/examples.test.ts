// Each example is run as a reader would run it, and checked for what it prints.
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { leaks } from '../support/leaks.js'
import { run, start } from '../support/processes.js'
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
  '19-watching.ts': [
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
  '10-group.ts': [
    'served: soup for 4 | 1 of 2',
    'served: bread for 4 | 2 of 2',
    "[ 'bread for 4', 'soup for 4' ]",
    'RangeError: no eggs | FAILURE',
    'soup for 2 | SUCCESS',
    'all of it: FAILURE',
    "[ 'soup for 1', 'salad for 1', 'tea for 1' ]",
    '[]',
  ],
  '11-map-and-chunks.ts': [
    '[ 1, 4, 9, 16, 25 ] 5 messages',
    '[ 1, 4, 9, 16, 25 ] 1 message',
    '[ 6, 20 ]',
    '[ [ 1, 4 ], [ 9, 16 ], [ 25 ] ] 3 messages',
    '55',
  ],
  '12-links.ts': [
    'shipped, for Ann paid 30',
    "[ 'receipt: Ann paid 30' ]",
    'RangeError: Bob has not got 300',
    'sorry: links.charge, Bob has not got 300',
    'noted the id of the step that failed: true',
    'Cid paid 20',
    '[',
    "  'receipt: Cid paid 20',",
    "  'sorry: links.burn, the archive burns, and with it: Cid paid 20'",
    ']',
  ],
  '13-replace.ts': ['1750 bytes in 9 calls', 'about, archive, home, news'],
  '14-stamps.ts': [
    "Map(3) { 'Globe Theatre' => 3, 'Hamlet' => 1, 'nobody' => 1 }",
    "{ call: 'stamps.where()', place: 'the body' }",
    'TaskRevokedError: revoked',
  ],
  '15-result-trees.ts': [
    'a grown oak | before that: oak',
    '2 children',
    '- a grown oak',
    '- a leaf of the oak',
    "- [ 'the left branch of the oak', 'the right branch of the oak' ]",
    '- the left branch of the oak',
    '- the right branch of the oak',
    'trees.grow SUCCESS',
    '  trees.plant SUCCESS',
    '  group SUCCESS',
    '    trees.plant SUCCESS',
    '    trees.plant SUCCESS',
    'its parent: trees.plant SUCCESS',
    "[ 'elm', 'ash' ]",
    'PENDING PENDING',
  ],
  '16-pictures.ts': [
    'chord([frame(1), frame(2), frame(3), frame(4), frame(5), frame(6), … 12 more, frame(19), ',
    'flowchart LR',
    '  n0["frame(…) × 24"]',
    '  n1["sound()"]',
    '  n2["film()"]',
    '  n0 --> n2',
    '  n1 --> n2',
    '',
    'flowchart LR',
    '…<br/>PENDING"]',
    '  n1["frame<br/>SUCCESS"]',
    '  n2["frame<br/>SUCCESS"]',
    '  n3["sound<br/>STARTED"]',
    '  n1 --> n0',
    '  n2 --> n0',
    '  n3 --> n0',
    '  style n0 fill:#eeeeee',
    '  style n1 fill:#c8e6c9',
    '  style n2 fill:#c8e6c9',
    '  style n3 fill:#bbdefb',
    '',
    "ChordError: Dependency … raised Exception('silence')",
    'flowchart LR',
    '  n0["film<br/>FAILURE"]',
    '  n1["frame<br/>SUCCESS"]',
    '  n2["frame<br/>SUCCESS"]',
    '  n3["sound<br/>FAILURE"]',
    '  n1 --> n0',
    '  n2 --> n0',
    '  n3 --> n0',
    '  style n0 fill:#ffcdd2',
    '  style n1 fill:#c8e6c9',
    '  style n2 fill:#c8e6c9',
    '  style n3 fill:#ffcdd2',
  ],
  '17-rates-and-keys.ts': [
    '[ 1, 2, 3, 4, 5, 6 ]',
    'six starts of 20 in a second take a quarter of one: true',
    'ann1 ann2 ann3',
    'bob1 bob2 bob3',
    'still waiting: 1',
    "[ 'hole 1', 'hole 2', 'hole 3' ]",
  ],
  '18-routing.ts': [
    'charge 10 at till | charge 5000 at office',
    '[',
    "  'office: europe.sports',",
    "  'office: europe.weather',",
    "  'pub: asia.sports',",
    "  'pub: europe.sports'",
    ']',
    "[ 'office forgot', 'pub forgot', 'till forgot' ]",
    'rescue, hiker, tourist',
  ],
}

describe('the examples print what they promise', async () => {
  const redis = await startRedis()
  afterAll(() => redis.stop())

  const check = async (name: string, env: Record<string, string>) => {
    const lines = expected[name] as readonly string[]
    const printed = await example(name, env)
    expect(printed).toHaveLength(lines.length)
    lines.forEach((line, index) => expect(printed[index]).toContain(line))
  }

  it.each(Object.keys(expected))('%s on memory://', (name) => check(name, {}))

  it.each(Object.keys(expected))('%s over Redis', (name) => check(name, { LOVAGE_BROKER_URL: redis.url }))

  it('and none is left out', async () => {
    const files = (await readdir(`${root}examples`)).filter((name) => name.endsWith('.ts'))
    expect(Object.keys(expected).sort()).toEqual(files.sort())
  })

  it('and all are listed', async () => {
    const places = (await readdir(`${root}examples`)).filter((name) => name !== 'README.md')
    const listed = [...(await readFile(`${root}examples/README.md`, 'utf8')).matchAll(/\]\(([^/)]+)/g)]
    expect(listed.map(([, place]) => String(place)).sort()).toEqual(places.sort())
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

  it('runs the very same on a Redis, and leaves it no entry', async () => {
    const redis = await startRedis()
    const { stdout } = await run('npm', ['start', '--silent', '--', '--broker', redis.url], { cwd: root })
    expect(steps(stdout())).toEqual(tour.map((line) => expect.stringContaining(line)))
    expect(await leaks(redis.url)).toEqual([])
  })

  it('has colours on a terminal', async () => {
    const terminal = ['--import', 'data:text/javascript,process.stdout.isTTY = true']
    const { stdout } = await run(process.execPath, [...terminal, 'examples/tour/main.js'], { cwd: root })
    expect(stdout()).toContain('\u001B[32m16\u001B[0m')
  })

  it.each([
    ['redis://127.0.0.1:1/0', /^Cannot reach Redis at redis:\/\/127\.0\.0\.1:1\/0 .*$/],
    ['amqp://there', /^Unknown URL "amqp:\/\/there": expected redis:\/\/.*$/],
  ])('says in one sentence what is wrong with --broker %s', async (url, sentence) => {
    const tourOf = start(process.execPath, ['examples/tour/main.js', '--broker', url], { cwd: root })
    expect((await tourOf.exited).code).toBe(1)
    expect(tourOf.stderr().trim()).toMatch(sentence)
  })
})
