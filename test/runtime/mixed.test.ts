// Does anybody else take part in a plan? Asked before chords are opened where they are signed and results lie elsewhere.
import { describe, expect, it } from 'vitest'
import { chain, chord, group, signature, xmap } from '../../src/index.js'
import { decompose } from '../../src/runtime/decompose.js'
import { isMixed } from '../../src/runtime/mixed.js'

const ours = (): any => signature('js.one')
const theirs = (): any => signature('proj.one')
const isOurs = (task: string): boolean => task.startsWith('js.')
let ids = 0
const mint = (): string => `id${(ids += 1)}`

const mixed = (canvas: any): boolean =>
  isMixed(decompose(canvas, [], {}, { mint, nowMs: 0, isOurs }).steps, isOurs)

describe('a plan is mixed', () => {
  it.each([
    ['in a header', chord([ours(), theirs()], ours())],
    ['as a body', chord([ours(), ours()], theirs())],
    ['behind a member', chord([chain(ours(), theirs()), ours()], ours())],
    ['in a chord in a header', chord([chord([ours(), ours()], theirs()), ours()], ours())],
    ['as what a map calls', chord([xmap(theirs(), [1, 2]), ours()], ours())],
    ['on a page', (chain as any)([...Array.from({ length: 60 }, ours), theirs()])],
  ])('by a task of others %s', (_where, canvas) => expect(mixed(canvas)).toBe(true))

  it('not by a callback, which reports to no chord', () => {
    expect(mixed(chord([ours().link(theirs()), ours()], ours().link(theirs())))).toBe(false)
  })

  it('by no task of its own, wherever it stands', () => {
    const whole = chord(
      [chain(ours(), group([ours(), ours()]), ours()), xmap(ours(), [1])],
      chain(ours(), ours()),
    )
    expect(mixed(whole)).toBe(false)
    expect(mixed((chain as any)(Array.from({ length: 60 }, ours)))).toBe(false)
  })
})
