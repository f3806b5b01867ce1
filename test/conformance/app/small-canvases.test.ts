// Canvases of nothing and of one: what Celery 5.6.3 makes of them was looked at, and is written here. `a` is
// add(1, 1), `+1` adds one to what comes, `list` gives back what it gets, in a list behind 'w'.
import { expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import type { App } from '../../../src/app.js'
import type { AnySignature } from '../../../src/canvas/signature.js'
import { onEveryEngine } from './bench.js'

const loose = { chain, chord, group } as unknown as Record<
  'chain' | 'chord' | 'group',
  (...parts: unknown[]) => AnySignature
>

const canvases = (app: App) => {
  const add = app.task('add', (x: number, y: number) => x + y)
  const w = app.task('w', (x: unknown) => ['w', x]).s()
  const [a, one] = [add.s(1, 1), add.s(1)]
  const { chain, chord, group } = loose
  const none = group([])
  /** name, canvas, result, what the handle and its parents are. */
  const rows: [string, AnySignature, unknown, string][] = [
    ['chain(a)', chain(a), 2, 'task'],
    ['group()', none, [], 'group'],
    ['group(a)', group(a), [2], 'group'],
    ['group(group())', group(none), [], 'group'],
    ['group(group(), a)', group(none, a), [2], 'group'],
    ['group(chain(a))', group(chain(a)), [2], 'group'],
    ['chain(group(a), w): a group of one is its member', chain(group(a), w), ['w', 2], 'task task'],
    ['group(a).pipe(w): here it is a chord', group(a).pipe(w as never), ['w', [2]], 'task group'],
    ['chain(a, group(+1), w)', chain(a, group(one), w), ['w', 3], 'task task task'],
    ['chain(a, group(+1))', chain(a, group(one)), 3, 'task task'],
    ['chain(a, group(), w)', chain(a, none, w), ['w', []], 'task group task'],
    // Celery's handle has forgotten a.
    ['chain(a, group())', chain(a, none), [], 'group task'],
    ['chain(group(), w)', chain(none, w), ['w', []], 'task group'],
    ['chord([], w)', chord([], w), ['w', []], 'task group'],
    ['chain(a, chord([], w))', chain(a, chord([], w)), ['w', []], 'task group task'],
    ['chord([a], w)', chord([a], w), ['w', [2]], 'task group'],
    ['chord(group(a), w)', chord(group(a), w), ['w', [2]], 'task group'],
    ['chord([chain(a)], w)', chord([chain(a)], w), ['w', [2]], 'task group'],
    ['chord([group(), a], w)', chord([none, a], w), ['w', [2]], 'task group'],
    ['chord([a], group())', chord([a], none), [], 'group group'],
    ['chain(a, chord([+1], w), w)', chain(a, chord([one], w), w), ['w', ['w', [3]]], 'task task group task'],
    ['add.chunks([], 2)', add.chunks([], 2), [], 'group'],
    ['add.starmap([])', add.starmap([]), [], 'task'],
  ]
  return rows
}

onEveryEngine('a canvas of nothing or of one', (bench) => {
  it('gives what Celery gives', async () => {
    const app = bench().app()
    const rows = canvases(app)
    await bench().work(app)
    const given: unknown[] = []
    for (const [name, canvas] of rows) {
      const handle = await app.send(canvas)
      const kinds: string[] = []
      for (let at: any = handle; at !== null; at = at.parent) kinds.push('results' in at ? 'group' : 'task')
      given.push([name, await handle.get({ timeout: 20 }), kinds.join(' ')])
    }
    expect(given).toEqual(rows.map(([name, , result, kinds]) => [name, result, kinds]))
  })

  it('without a step is refused, where Celery’s chain gives None instead of a handle', () => {
    expect(() => loose.chain()).toThrow('A chain needs at least one step, but it has none.')
    expect(() => loose.chain([])).toThrow('A chain needs at least one step')
  })
})
