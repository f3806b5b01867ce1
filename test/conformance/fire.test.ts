// Ticks of periodic entries: fired once, whoever tries, with all their messages or not at all.
import { expect, test } from 'vitest'
import type { Firing } from '../../src/runtime/firing.js'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { chord, claim, messages, push, raws } from './words.js'

const minute = 60_000

onEveryEngine('firing', (bench) => {
  const firing = (tickMs: number | null, by: string, more: Partial<Firing> = {}): Firing => ({
    scope: 'app',
    entry: 'report',
    tickMs,
    publication: messages(`${tickMs}`),
    by,
    ...more,
  })
  const kinds = async (...firings: readonly Firing[]) =>
    (await bench().broker.fire(firings)).map(({ kind }) => kind)

  test('of ten who fire one tick at once, one does', async () => {
    const tick = Date.now() - minute
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => kinds(firing(tick, `beat-${i}`))))
    expect(all.flat().sort()).toEqual(['fired', ...Array(9).fill('refused')])
    expect(await bench().broker.length('q')).toBe(1)
  })

  test('a tick before the last one is refused, a later one is fired', async () => {
    const tick = Date.now() - minute
    expect(await kinds(firing(tick, 'a'))).toEqual(['fired'])
    expect(await kinds(firing(tick - 1, 'b'), firing(tick, 'b'), firing(tick + 1, 'b'))).toEqual([
      'refused',
      'refused',
      'fired',
    ])
    expect(await bench().broker.length('q')).toBe(2)
  })

  test('entries of one name in two apps do not meet', async () => {
    const tick = Date.now() - minute
    expect(await kinds(firing(tick, 'a'), firing(tick, 'b', { scope: 'other' }))).toEqual(['fired', 'fired'])
  })

  test('a tick that is not due by the broker’s clock is not fired, whatever the beat’s clock says', async () => {
    expect(await kinds(firing(Date.now() + minute, 'a'))).toEqual(['early'])
    expect(await bench().broker.length('q')).toBe(0)
  })

  test('“now” is fired each time, by another name', async () => {
    expect(await kinds(firing(null, 'run-1'), firing(null, 'run-2'))).toEqual(['fired', 'fired'])
  })

  test('a refused one takes nothing of the others with it; chords and delays travel along', async () => {
    const tick = Date.now() - minute
    await kinds(firing(tick, 'a'))
    const publication = {
      pushes: [push('one', { queue: 'other' }), push('later', { dueMs: Date.now() + minute })],
      chords: [chord(2)],
    }
    const good = firing(tick, 'a', { entry: 'weekly', publication })
    expect(await kinds(firing(tick, 'b'), good)).toEqual(['refused', 'fired'])
    const consumer = await bench().consume({ queues: ['other'] })
    expect(raws(await claim(consumer, 5))).toEqual(['one'])
    expect(await bench().broker.length('q')).toBe(1)
  })

  test('one leads at a time; who falls silent is replaced, who gives it back at once', async () => {
    const { broker } = bench()
    expect(await broker.lead('app', 'a', 300)).toBe(true)
    expect(await broker.lead('app', 'a', 300)).toBe(true)
    expect(await broker.lead('app', 'b', 300)).toBe(false)
    expect(await broker.lead('other', 'b', 300)).toBe(true)
    await until(() => broker.lead('app', 'b', 60_000))
    expect(await broker.lead('app', 'b', 0)).toBe(true)
    expect(await broker.lead('app', 'a', 300)).toBe(true)
  })
})
