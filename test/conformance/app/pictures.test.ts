// A canvas that ran, drawn with the states of its results.
import { expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { toMermaid } from '../../../src/canvas/draw.js'
import { group } from '../../../src/canvas/group.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

onEveryEngine('a picture of results', (bench) => {
  it('has a box for each task, with its name and state', async () => {
    const app = bench().app({ resultExtended: true })
    const add = app.task('add', (x: number, y: number) => x + y)
    const sum = app.task('sum', (all: number[]) => all.reduce((a, b) => a + b, 0))
    await bench().work(app)
    const result = await chain(add.s(1, 1), group(add.s(1), add.s(2)), sum.s()).delay()
    expect(await result.get({ timeout: 25 })).toBe(7)
    const picture = await until(async () => {
      const now = toMermaid(await result.graph())
      return now.includes('PENDING') ? undefined : now
    })
    expect(picture.match(/\["sum<br\/>SUCCESS"\]/g)).toHaveLength(1)
    expect(picture.match(/\["add<br\/>SUCCESS"\]/g)).toHaveLength(3)
    expect(picture.match(/-->/g)).toHaveLength(4)
  })

  it('names what failed without having run', async () => {
    const app = bench().app({ resultExtended: true })
    const add = app.task('add', (x: number, y: number) => x + y)
    const sum = app.task('sum', (all: number[]) => all.reduce((a, b) => a + b, 0))
    const fail = app.task('fail', (): number => {
      throw new TypeError('boom')
    })
    await bench().work(app)
    const result = await chain(group(add.s(1, 1), chain(fail.s(), add.s(2))), sum.s(), add.s(3)).delay()
    expect(await result.get({ timeout: 20, propagate: false })).toMatchObject({ name: 'ChordError' })
    const boxes = toMermaid(await result.graph()).match(/\[".*"\]/g)
    expect(boxes?.sort()).toEqual([
      '["add<br/>FAILURE"]',
      '["add<br/>FAILURE"]',
      '["add<br/>SUCCESS"]',
      '["fail<br/>FAILURE"]',
      '["sum<br/>FAILURE"]',
    ])
    const { name, args, kwargs, worker, retries, queue } = (await result.meta()).fields
    expect({ name, args, kwargs, worker, retries, queue }).toEqual({
      name: 'add',
      args: [3],
      kwargs: {},
      worker: null,
      retries: 0,
      queue: null,
    })
  })
})
