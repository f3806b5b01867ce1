// Results that nobody stores: whoever asks for one is told at once, whoever said that it is not wanted.
import { expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { recorder } from '../vectors/recorder.js'

const words = async (settings: object = {}) => {
  const { app, taken } = await recorder(Date.now(), settings)
  return {
    app,
    taken,
    add: app.task('add', (x: number, y: number) => x + y),
    quiet: app.task('quiet', (x: number) => x, { ignoreResult: true }),
    all: app.task('all', (list: number[]) => list.length),
  }
}

/** What becomes of a `get()`; no worker is there. */
const getting = (result: { get(options: object): Promise<unknown> }): Promise<string> =>
  result.get({ timeout: 0.01 }).then(String, (error: Error) => error.name)

it('is told what nobody stores, and how to have it stored', async () => {
  const { add } = await words()
  const result = await add.applyAsync([1, 2], { ignoreResult: true, taskId: 'a1' })
  await expect(result.get()).rejects.toThrow(
    'The result of a1 is not stored: it was sent with ignoreResult. Send it without to get() it.',
  )
})

it('is the call’s word, else the task’s, else the setting’s', async () => {
  const { app, add, quiet } = await words()
  expect(await getting(await add.delay(1, 2))).toBe('TimeoutError')
  expect(await getting(await quiet.delay(1))).toBe('ResultIgnored')
  expect(await getting(await quiet.applyAsync([1], { ignoreResult: false }))).toBe('TimeoutError')
  const all = await words({ taskIgnoreResult: true })
  expect(await getting(await all.add.delay(1, 2))).toBe('ResultIgnored')
  // A task of somebody else's: its own side decides, as in Celery.
  expect(await getting(await all.app.sendTask('elsewhere', [1]))).toBe('TimeoutError')
  expect(await getting(await app.sendTask('add', [1, 2], { ignoreResult: true }))).toBe('ResultIgnored')
})

it('travels in the message, so that the worker does as the caller was told', async () => {
  const { add, quiet, taken } = await words({ taskIgnoreResult: true })
  await add.delay(1, 2)
  await quiet.delay(1)
  await add.applyAsync([1, 2], { ignoreResult: false })
  expect(taken().map(({ raw }) => JSON.parse(raw).headers.ignore_result)).toEqual([true, true, false])
})

it('is the last step’s word in a chain, and each member’s in a group', async () => {
  const { add, quiet, all } = await words()
  const loud = await chain(quiet.s(1), add.s(2)).delay()
  expect(await getting(loud)).toBe('TimeoutError')
  expect(await getting(loud.parent!)).toBe('ResultIgnored')
  expect(await getting(await chain(add.s(1, 2), quiet.s()).delay())).toBe('ResultIgnored')
  const { results } = await group(add.s(1, 2), quiet.s(1)).delay()
  expect(await Promise.all(results.map(getting))).toEqual(['TimeoutError', 'ResultIgnored'])
  expect(await getting(await chord([add.s(1, 2)], all.s().set({ ignoreResult: true })).delay())).toBe(
    'ResultIgnored',
  )
  expect(await getting(await chord([add.s(1, 2)], all.s()).delay())).toBe('TimeoutError')
})
