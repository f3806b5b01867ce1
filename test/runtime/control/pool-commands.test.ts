// The size of a pool from afar: with the words that Celery's workers were captured with.
import { describe, expect, it } from 'vitest'
import { InvalidUsage } from '../../../src/errors.js'
import { answer } from '../../../src/runtime/control/listener.js'
import type { Node } from '../../../src/runtime/control/node.js'
import { fakeNode } from './fake-node.js'

const ask = (node: Node, method: string, args = {}) =>
  answer(node, { method, arguments: args, ticket: null, replyTo: null, clock: 0 })

const sized = (more: Partial<Node> = {}) => {
  const sizes: number[] = []
  const node = {
    ...fakeNode('w@host'),
    grow: (n: number) => void sizes.push(n),
    shrink: (n: number) => void sizes.push(-n),
    ...more,
  }
  return { node, sizes }
}

describe('a pool', () => {
  it('grows and shrinks', async () => {
    const { node, sizes } = sized()
    expect(await ask(node, 'pool_grow', { n: 2 })).toEqual({ ok: 'pool will grow' })
    expect(await ask(node, 'pool_grow')).toEqual({ ok: 'pool will grow' })
    expect(await ask(node, 'pool_shrink', { n: 1 })).toEqual({ ok: 'pool will shrink' })
    expect(sizes).toEqual([2, 1, -1])
  })

  it('of one size says so in Celery’s words', async () => {
    const refuse = (): never => {
      throw new InvalidUsage('The pool solo runs one task at a time.')
    }
    const { node } = sized({ grow: refuse, shrink: refuse })
    expect(await ask(node, 'pool_grow', { n: 1 })).toEqual({
      error: `AttributeError("'TaskPool' object has no attribute 'grow'")`,
    })
    expect(await ask(node, 'pool_shrink', { n: 1 })).toEqual({
      error: `AttributeError("'TaskPool' object has no attribute 'shrink'")`,
    })
  })

  it('refuses what is no number', async () => {
    const { node, sizes } = sized()
    for (const n of [0, -1, 1.5, 'x'])
      expect(await ask(node, 'pool_grow', { n })).toMatchObject({
        error: expect.stringMatching(/^TypeError/),
      })
    expect(sizes).toEqual([])
  })
})

describe('autoscale', () => {
  it('is moved where there is one, and then nothing else moves the pool', async () => {
    const bounds = { max: 3, min: 1 }
    const { node } = sized({ autoscale: bounds })
    expect(await ask(node, 'autoscale', { max: 4, min: 2 })).toEqual({ ok: 'autoscale now max=4 min=2' })
    expect(bounds).toEqual({ max: 4, min: 2 })
    for (const name of ['pool_grow', 'pool_shrink'])
      expect(await ask(node, name, { n: 1 })).toEqual({
        error: `${name} is not supported with autoscale. Adjust autoscale range instead.`,
      })
  })

  it('keeps its bounds in order, unlike Celery’s', async () => {
    const { node } = sized({ autoscale: { max: 3, min: 1 } })
    expect(await ask(node, 'autoscale', { max: 1, min: 2 })).toEqual({
      error: "ValueError('autoscale: max=1 is less than min=2')",
    })
  })

  it('is not there unless it was asked for', async () => {
    expect(await ask(sized().node, 'autoscale', { max: 4, min: 2 })).toEqual({
      error: "ValueError('Autoscale not enabled')",
    })
  })
})
