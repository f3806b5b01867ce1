// The messages of periodic entries are an app's messages as any others: signals and layers see them, and what is
// big in them lies in the broker once.
import { expect, test } from 'vitest'
import { chain, chord, every, group, type EntryOptions } from '../../../src/index.js'
import { mostAtOnce } from '../../../src/runtime/stage.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

/** Canvases of computed length have no types of their own. */
const long = (steps: readonly unknown[]) =>
  (chain as unknown as (steps: readonly unknown[]) => EntryOptions['run'])(steps)
const range = (many: number) => Array.from({ length: many }, (_, index) => index)

onEveryEngine('what a beat sends', (bench) => {
  test('is told of before and after, tick by tick, and takes headers along', async () => {
    const app = bench().app()
    const told: string[] = []
    const ran: unknown[] = []
    const note = app.task('t.note', function () {
      ran.push(this.request.headers['trace'])
    })
    app.on('beforeTaskPublish', ({ taskId, headers }) => {
      told.push(`before ${taskId}`)
      headers['trace'] = 'abc'
    })
    app.on('afterTaskPublish', ({ taskId }) => void told.push(`after ${taskId}`))
    app.beat.add('job', { schedule: every(0.05), run: note.si(), maxRuns: 2 })
    await bench().work(app)
    await app.beat.start()
    const idsOf = (word: 'before' | 'after') =>
      told.filter((each) => each.startsWith(word)).map((each) => each.slice(word.length + 1))
    await until(() => ran.length === 2 && idsOf('after').length === 2)
    expect(ran).toEqual(['abc', 'abc'])
    const history = await app.beat.history('job')
    expect(idsOf('after').sort()).toEqual(history.map(({ taskId }) => String(taskId)).sort())
    // (A tick that had to be tried again was announced again, and one that the next overtook meanwhile was not sent.)
    expect(idsOf('before')).toEqual(expect.arrayContaining(idsOf('after')))
  })

  test('and what is refused, because another was faster, was not sent: nobody hears that it was', async () => {
    const [slow, fast] = [bench().app(), bench().app()]
    const told: string[] = []
    const turn = gate()
    const note = slow.task('t.note', () => undefined)
    fast.task('t.note', () => undefined)
    slow.use({
      publish: async (message, next) => {
        told.push('before')
        if (told.length === 1) await turn.passed
        await next().then(
          () => told.push('sent'),
          (error) => {
            told.push(`not: ${(error as Error).message}`)
            throw error
          },
        )
      },
    })
    slow.on('afterTaskPublish', () => void told.push('after'))
    await slow.beat.create('job', { schedule: every('1h'), run: note.si() })
    const running = slow.beat.runNow('job')
    await until(() => told.length === 1)
    await fast.beat.runNow('job')
    turn.open()
    const id = await running
    await until(() => told.includes('sent'))
    expect(told.filter((what) => what === 'after')).toHaveLength(1)
    expect(told[1]).toMatch(/^not: Not sent: another beat has sent this tick/)
    expect((await slow.beat.history('job')).map(({ taskId }) => taskId)[0]).toBe(id)
    expect((await slow.beat.get('job')).runs).toBe(2)
  })

  test('a long chain and a big chord go by reference, and leave nothing', async () => {
    const app = bench().app()
    const add = app.task('t.add', (x: number, y: number) => x + y)
    const sum = app.task('t.sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
    const steps = [add.s(0, 1), ...range(199).map(() => add.s(1))]
    await app.beat.create('chain', { schedule: every('1d'), run: long(steps) })
    const behind = range(40).map(() => add.s(1))
    await app.beat.create('chord', {
      schedule: every('1d'),
      run: long([group(range(30).map((i) => add.s(i, 1))), sum.s(), ...behind]),
    })
    const ids = [await app.beat.runNow('chain'), await app.beat.runNow('chord')]
    expect(await bench().graphs()).toHaveLength(2)
    await bench().work(app)
    expect(await app.result(ids[0]!).get({ timeout: 20 })).toBe(200)
    expect(await app.result(ids[1]!).get({ timeout: 20 })).toBe(465 + 40)
    await until(async () => (await bench().graphs()).length === 0)
  })

  test('more messages than one call should write arrive all, and count once', async () => {
    const app = bench().app()
    const many = mostAtOnce + 1
    const one = app.task('t.one', () => 1)
    const sum = app.task('t.sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
    await app.beat.create('wide', {
      schedule: every('1d'),
      run: chord(
        range(many).map(() => one.si()),
        sum.s(),
      ),
    })
    const id = await app.beat.runNow('wide')
    await bench().work(app, { concurrency: 100 })
    expect(await app.result(id).get({ timeout: 25 })).toBe(many)
    await until(async () => (await bench().unfinished()).length === 0)
  })
})
