// The Node side of the interop tests: an ordinary Lovage app. Its own tasks go to the queue `js`; proj's are
// declared for the queue `python`. One function, called for each file (and for each settings to be tried).
import { chain, chord, createApp, group, type SettingsInput, type TaskContext } from 'lovage'
import { until } from '../support/until.js'

/** Known to Python by its name; `args` are what Python's exception gets. */
class ValueError extends Error {
  override name = 'ValueError'
  readonly args: readonly unknown[]
  constructor(...args: unknown[]) {
    super(String(args[0]))
    this.args = args
  }
}

/** Nobody in Python has such a class. */
class PaymentRefused extends Error {
  override name = 'PaymentRefused'
  readonly args: readonly unknown[]
  constructor(
    message: string,
    readonly cents = 0,
  ) {
    super(message)
    this.args = [message, cents]
  }
}

const errors: Record<string, () => unknown> = {
  ValueError: () => new ValueError('boom', 42),
  TypeError: () => new TypeError('not a function'),
  KeyError: () => Object.assign(new Error('missing'), { name: 'KeyError' }),
  RangeError: () => new RangeError('out of range'),
  PaymentRefused: () => new PaymentRefused('no funds', 1999),
  Error: () => new Error('plain'),
  SystemExit: () => Object.assign(new Error('3'), { name: 'SystemExit' }),
  nothing: () => 'just a text',
}

/** What JavaScript sees: the type's name and a text of the value. */
const typeAndText = (value: unknown): [string, string] => {
  const type = value === null ? 'null' : typeof value
  if (type !== 'object') return [type, String(value)]
  const { name } = (value as object).constructor
  if (value instanceof Date) return [name, value.toISOString()]
  if (Buffer.isBuffer(value)) return [name, value.toString('hex')]
  return [name, String(value)]
}

export function makeNodeApp(redisUrl: string, settings: SettingsInput = {}) {
  const app = createApp('interop', {
    broker: redisUrl,
    taskDefaultQueue: 'js',
    resultExpires: 3600,
    ...settings,
  })
  app.errors(PaymentRefused)
  /** What `js.record` and its kin got, by the key that came with it. */
  const recorded = new Map<string, unknown[]>()
  const keep = (key: string, value: unknown): void =>
    void recorded.set(key, [...(recorded.get(key) ?? []), value])

  const add = app.task('js.add', (x: number, y = 0) => x + y, { params: ['x', 'y'] })
  const mul = app.task('js.mul', (x: number, y = 1) => x * y, { params: ['x', 'y'] })
  const sum = app.task('js.sum', (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0))
  const echo = app.task('js.echo', (value: unknown) => value)
  const describe = app.task('js.describe', typeAndText)
  const ident = app.task('js.ident', (...args: unknown[]) => args)
  app.task('js.ignored', (x: number) => x, { ignoreResult: true })

  const fail = app.task('js.fail', (kind: string) => {
    throw (errors[kind] as () => unknown)()
  })
  const flaky = app.task(
    'js.flaky',
    function (this: TaskContext, times: number, countdown = 0) {
      if (this.request.retries < times) throw this.retry({ error: new ValueError('not yet'), countdown })
      return this.request.retries
    },
    { maxRetries: 3 },
  )
  const request = app.task('js.request', function (this: TaskContext, ..._args: unknown[]) {
    return JSON.parse(JSON.stringify(this.request)) as unknown
  })
  app.task('js.now', () => Date.now() / 1000)

  // Runs until `js.release` is called with the same key; meanwhile its state can be looked at.
  const released = new Set<string>()
  app.task(
    'js.progress',
    async function (this: TaskContext, key: string) {
      await this.progress(1, 3)
      await until(() => released.has(key))
      return 'done'
    },
    { trackStarted: true },
  )
  app.task('js.release', (key: string) => void released.add(key))

  app.task('js.hang', async function (this: TaskContext) {
    await new Promise((_, reject) => this.signal.addEventListener('abort', () => reject(this.signal.reason)))
  })

  app.task('js.spawn', async function (this: TaskContext, n: number) {
    await add.delay(n, 1)
    await add.s(n, 2).link(add.s(10)).delay()
  })

  app.task('js.replace', function (kind: string, ...numbers: number[]): unknown {
    const works: Record<string, () => any> = {
      task: () => (add as any).s(...numbers),
      chain: () => chain((add as any).s(...numbers), mul.s(10)),
      group: () => group(numbers.map((n) => add.s(n, 1))),
      chord: () =>
        chord(
          numbers.map((n) => add.s(n, 1)),
          sum.s(),
        ),
    }
    return this.replace(works[kind]!())
  })
  app.task('js.grow', function (n: number) {
    this.addToChord(add.s(n, 9 * n))
    return n
  })
  app.task('js.restore', async (id: string) => (await app.groupResult.restore(id))?.results.map((r) => r.id))

  // For callbacks and errbacks: what came is kept under the key, and `js.recall` waits for it.
  const record = app.task('js.record', (value: unknown, key: string) => {
    keep(key, value)
    return value
  })
  const recordAll = app.task('js.recordAll', (key: string, ...args: unknown[]) => keep(key, args))
  const recordError = app.task(
    'js.recordError',
    (request: { id: string; task: string | null }, error: Error, traceback: string | null, key: string) =>
      keep(key, [request, error.name, error.message, typeof traceback]),
    { errback: 'full' },
  )
  const recall = app.task('js.recall', (key: string, count = 1) =>
    until(() => {
      const values = recorded.get(key) ?? []
      return values.length >= count ? values : undefined
    }),
  )
  const js = {
    add,
    mul,
    sum,
    echo,
    describe,
    ident,
    fail,
    flaky,
    request,
    record,
    recordAll,
    recordError,
    recall,
  }
  return { app, js, recorded }
}
