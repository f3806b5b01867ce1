// The tasks that every Celery worker knows, called as clients of all ages and languages call them.
import { describe, expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { type Bench, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

const tasksOf = (app: App) => ({
  add: app.task('add', (x: number, y: number) => x + y),
  sum: app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)),
  list: app.task('list', (values: unknown) => values),
  fail: app.task('fail', (): number => {
    throw new TypeError('boom')
  }),
})

const start = async (bench: Bench) => {
  const app = bench.app()
  const tasks = tasksOf(app)
  await bench.work(app)
  return {
    app,
    ...tasks,
    call: (name: string, kwargs: object, args: unknown[] = []) =>
      app.sendTask(name, args, { kwargs: kwargs as Record<string, unknown> }),
  }
}

onEveryEngine('the built-in tasks', (bench) => {
  it('celery.backend_cleanup and celery.accumulate', async () => {
    const { app, call } = await start(bench())
    expect(await app.sendTask('celery.backend_cleanup').get(wait)).toBeNull()
    expect(await call('celery.accumulate', { index: 1 }, ['a', 'b']).get(wait)).toBe('b')
    expect(await call('celery.accumulate', {}, ['a', 'b']).get(wait)).toEqual(['a', 'b'])
  })

  describe('celery.map and celery.starmap', () => {
    it('call a task in place, by name or by place', async () => {
      const { add, call } = await start(bench())
      const double = add.s()
      expect(
        await call('celery.starmap', {
          task: double,
          it: [
            [1, 2],
            [3, 4],
          ],
        }).get(wait),
      ).toEqual([3, 7])
      const list = await start(bench())
      expect(await list.app.sendTask('celery.map', [list.list.s(), [1, 'x']]).get(wait)).toEqual([1, 'x'])
    })

    it('refuse a task that wants to be replaced: it has no place of its own', async () => {
      const { app, add, call } = await start(bench())
      const replaced = app.task('replaced', function (x: number): number {
        return this.replace(add.s(x, 1))
      })
      await expect(call('celery.map', { task: replaced.s(), it: [1] }).get(wait)).rejects.toThrow(
        'nothing can take the place of one call',
      )
    })

    it('refuse a task that nobody here knows', async () => {
      const { call } = await start(bench())
      await expect(call('celery.map', { task: { task: 'nobody' }, it: [1] }).get(wait)).rejects.toThrow(
        'nobody',
      )
    })
  })

  it('celery.chunks sends a group of starmaps, and gives it', async () => {
    const { app, add, call } = await start(bench())
    const result = await call('celery.chunks', {
      task: add.s(),
      it: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      n: 2,
    })
    const tuple = (await result.get(wait)) as any
    expect(tuple[1]).toHaveLength(2)
    const [child] = await result.children()
    expect([child?.id, await child?.get(wait)]).toEqual([tuple[0][0], [[3, 7], [11]]])
    const member = await app.result(tuple[1][0][0][0]).meta()
    expect([member.groupId, member.parentId]).toEqual([tuple[0][0], result.id])
    await expect(call('celery.chunks', { task: 'add', it: [], n: 1 }).get(wait)).rejects.toThrow(
      'Expected a signature as "task"',
    )
  })

  it('celery.group sends tasks that have their ids', async () => {
    const { app, add, call } = await start(bench())
    const ids = ['t1', 't2']
    const tasks = ids.map((taskId, n) => add.s(n).set({ taskId }))
    const result = [['g1', null], ids.map((id) => [[id, null], null])]
    const sent = await call('celery.group', { tasks, result, group_id: 'g1', partial_args: [10] })
    expect(await sent.get(wait)).toEqual(result)
    expect(await Promise.all(ids.map((id) => app.result(id).get(wait)))).toEqual([10, 11])
    expect((await app.result('t1').meta()).groupId).toBe('g1')
    expect((await sent.children())[0]?.id).toBe('g1')
  })

  it('celery.chord runs a chord and gives its result', async () => {
    const { app, add, sum, call } = await start(bench())
    const sent = await call('celery.chord', { header: [add.s(1), add.s(2)], body: sum.s(), interval: 1 }, [])
    await expect(sent.get(wait)).resolves.toBeDefined()
    const given = await call('celery.chord', {
      header: [add.s(1), add.s(2)],
      body: sum.s(),
      partial_args: [10],
      max_retries: null,
    })
    const tuple = (await given.get(wait)) as any
    expect(await app.result(tuple[0][0]).get(wait)).toBe(23)
    expect((await given.children())[0]?.id).toBe(tuple[0][0])
  })

  it('celery.chain is none', async () => {
    const { app } = await start(bench())
    const end = await app.sendTask('celery.chain').get({ ...wait, propagate: false })
    expect(String(end)).toBe('NotImplementedError: chain is not a real task')
  })

  describe('celery.chord_unlock', () => {
    const tuple = (id: string) => [[id, null], null]

    it('joins the members when all have ended, looking again until then', async () => {
      const { app, add, sum, call } = await start(bench())
      const body = sum.s().set({ taskId: 'body' })
      await call(
        'celery.chord_unlock',
        { interval: 0.05, max_retries: null, result: ['t1', 't2'].map(tuple) },
        ['g1', body],
      )
      await add.applyAsync([1, 1], { taskId: 't1' })
      await add.applyAsync([2, 2], { taskId: 't2', countdown: 0.2 })
      expect(await app.result('body').get(wait)).toBe(6)
    })

    it('keeps the nesting of the members', async () => {
      const { app, add, list, call } = await start(bench())
      for (const [index, id] of ['t1', 't2', 't3'].entries()) await add.applyAsync([index, 1], { taskId: id })
      const nested = [[['inner', null], ['t1', 't2'].map(tuple)], tuple('t3')]
      await call('celery.chord_unlock', { interval: 0.05, result: nested }, [
        'g1',
        list.s().set({ taskId: 'body' }),
      ])
      expect(await app.result('body').get(wait)).toEqual([[1, 2], 3])
    })

    it('fails the body with the member that failed', async () => {
      const { app, fail, sum, call } = await start(bench())
      await fail.applyAsync([], { taskId: 't1' })
      await call('celery.chord_unlock', { interval: 0.05, result: [tuple('t1')] }, [
        'g1',
        sum.s().set({ taskId: 'body' }),
      ])
      await expect(app.result('body').get(wait)).rejects.toThrow("Dependency t1 raised TypeError('boom')")
    })

    it('gives up after the tries that it is given: the body has failed', async () => {
      const { app, sum, call } = await start(bench())
      const never = { interval: 0.01, max_retries: 1, result: [tuple('never')] }
      await call('celery.chord_unlock', never, ['g1', sum.s().set({ taskId: 'body' })])
      await expect(app.result('body').get(wait)).rejects.toThrow(
        /^Dependency never raised MaxRetriesExceededError\(.*retry celery.chord_unlock/,
      )
      expect(bench().lines.some((line) => line.includes('The chord g1 is given up'))).toBe(true)
    })
  })
})

onEveryEngine('chunks in a canvas', (bench) => {
  it('are one result, wherever they stand', async () => {
    const { add, list } = await start(bench())
    const rows = [
      [1, 1],
      [2, 2],
      [3, 3],
    ] as [number, number][]
    const chunked = () => add.chunks(rows, 2)
    expect(await chunked().delay().get(wait)).toEqual([[2, 4], [6]])
    expect(await group(chunked(), add.s(1, 1)).delay().get(wait)).toEqual([[[2, 4], [6]], 2])
    expect(
      await chord([chunked(), add.s(1, 1)], list.s())
        .delay()
        .get(wait),
    ).toEqual([[[2, 4], [6]], 2])
    const result = await chain(add.s(1, 1), chunked(), list.s()).delay()
    expect(await result.get(wait)).toEqual([[2, 4], [6]])
    expect(await result.parent?.get(wait)).toEqual([[2, 4], [6]])
    const header = await chord([chunked(), add.s(1, 1)], list.s()).delay()
    expect(await (header.parent as any).results[0].get(wait)).toEqual([[2, 4], [6]])
  })
})
