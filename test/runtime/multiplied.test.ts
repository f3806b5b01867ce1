// How much Celery's workers would write of a canvas that is left to them. The limit is what a worker of ours
// may be sent in one message: six chords behind each other, of two parts each, and four of ten.
import { describe, expect, it } from 'vitest'
import { chain, chord, group, signature } from '../../src/index.js'
import type { Node } from '../../src/canvas/node.js'
import { multipliedIn } from '../../src/runtime/multiplied.js'

const ours = (): any => signature('js.one')
const theirs = (): any => signature('py.one')
const many = (count: number, task: () => any): any[] => Array.from({ length: count }, task)
const isOurs = (node: Node): boolean => node.kind !== 'task' || node.task.startsWith('js.')

const stages = (count: number, parts: number, part = theirs): any =>
  (chain as any)([...many(count, () => [group(many(parts, part)), ours()]).flat(), ours()])
const bodies = (count: number): any =>
  many(count, () => 0).reduce((inner) => chord(many(2, theirs), chain(theirs(), inner)), theirs())
const culprits = (canvas: any): string[] => multipliedIn(canvas, isOurs).map(({ task }) => task)

describe('too much for Python is', () => {
  it.each([
    ['groups of two and a task, seven times', stages(7, 2), stages(6, 2)],
    ['groups of ten and a task, five times', stages(5, 10), stages(4, 10)],
    ['chords in the bodies of chords', bodies(8), bodies(6)],
    ['what waits behind its own part of a chord', chord([theirs(), ours()], stages(10, 2)), theirs()],
    ['a chord that it sends on itself', chain(theirs(), stages(10, 2, ours)), theirs()],
  ])('%s', (_name, much, less) => {
    expect(culprits(much)).toEqual(['py.one'])
    expect(culprits(less)).toEqual([])
  })

  it('nothing that our workers send on, and nothing that stands beside it', () => {
    expect(culprits(stages(300, 10, ours))).toEqual([])
    expect(culprits(chain(theirs(), ours(), stages(300, 2, ours)))).toEqual([])
    expect(culprits(chain(stages(300, 2, ours), theirs()))).toEqual([])
    const inHeaders = many(200, () => 0).reduce((inner) => chord([inner, theirs()], theirs()), theirs())
    expect(culprits(inHeaders)).toEqual([])
  })
})
