import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { immutable, link, linkError, signature } from '../../src/canvas/signature.js'
import { add, mul, onError, tsum } from './tasks.js'

const [a, b, c, cb, eb] = ['a', 'b', 'c', 'cb', 'eb'].map((name) => signature(name)) as [
  any,
  any,
  any,
  any,
  any,
]
const loose = (value: unknown): any => value
/** How Celery marks the errback of a group. */
const marked = eb.set({ other: { immutable: true } })

describe('link', () => {
  it('adds callbacks in order', () => {
    expect(a.link(cb).link(b).options).toEqual({ link: [cb, b] })
    expect(add.s(1, 2).link(mul.s(3))).toEqual(add.s(1, 2).set({ link: [mul.s(3)] }))
    expect(link(add.s(1, 2), mul.s(3))).toEqual(add.s(1, 2).link(mul.s(3)))
  })

  it('adds the same callback once', () => {
    expect(a.link(cb).link(cb).options.link).toEqual([cb])
    const told = (what: unknown) => signature('told', { args: [what], options: { queue: 'io' } })
    const twice = (one: unknown, other: unknown) => a.link(told(one)).link(told(other)).options.link.length
    expect(twice({ x: [1, 'a', null] }, { x: [1, 'a', null] })).toBe(1)
    expect([
      twice([1], [2]),
      twice([1], [1, 2]),
      twice({ x: 1 }, { y: 1 }),
      twice([], {}),
      twice(new Map(), new Map()),
    ]).toEqual([2, 2, 2, 2, 2])
    expect(a.link(cb).link(signature.from(cb.toJSON())).options.link).toEqual([cb])
    expect(a.link(cb.link(b)).link(cb.link(c)).options.link).toHaveLength(2)
  })

  it('of a chain stands on the chain: it goes to the last step when it is sent', () => {
    expect(chain(a, b).link(cb)).toMatchObject({ tasks: [a, b], options: { link: [cb] } })
  })

  it('of a chord goes to its body', () => {
    expect(chord([a, b], c).link(cb)).toEqual(chord([a, b], c.link(cb)))
    expect(chord([a], chord([b], c)).link(cb)).toEqual(chord([a], chord([b], c.link(cb))))
  })

  it('of a group goes to its first task, as an immutable one', () => {
    expect(group(a, b).link(cb)).toEqual(group(a.link(immutable(cb)), b))
    expect(group(group(a, b), c).link(cb)).toEqual(group(group(a.link(immutable(cb)), b), c))
    expect(chord([a], group(b, c)).link(cb)).toEqual(chord([a], group(b.link(immutable(cb)), c)))
    expect(() => group().link(cb)).toThrow('goes to its first task, but this group is empty.')
  })

  it('leaves the signature and the callback as they were', () => {
    const sum = tsum.s([1])
    sum.link(mul.s(3))
    group(loose(sum), a).link(cb)
    expect(sum.options).toEqual({})
    expect(cb.immutable).toBe(false)
  })
})

describe('linkError', () => {
  it('adds errbacks', () => {
    expect(add.s(1).linkError(onError.s()).options).toEqual({ linkError: [onError.s()] })
    expect(linkError(add.s(1), onError.s())).toEqual(add.s(1).linkError(onError.s()))
  })

  it('of a chain stands on the chain: it goes to every step when it is sent', () => {
    expect(chain(a, b).linkError(eb)).toMatchObject({ tasks: [a, b], options: { linkError: [eb] } })
  })

  it('of a chord goes to its body alone', () => {
    expect(chord([a, b], c).linkError(eb)).toEqual(chord([a, b], c.linkError(eb)))
  })

  it('of a chord goes to the chords in its header as well, which fail by themselves', () => {
    const inner = chord([a], b)
    expect(chord([inner, a], c).linkError(eb)).toEqual(
      chord([chord([a], b.linkError(eb)), a], c.linkError(eb)),
    )
  })

  it('of a group goes to every member, with the mark that Celery gives it and the failed id all the same', () => {
    expect(group(a, b).linkError(eb)).toEqual(group(a.linkError(marked), b.linkError(marked)))
    expect(group(a, group(b)).linkError(eb)).toEqual(group(a.linkError(marked), group(b.linkError(marked))))
    expect(chord([a], group(b, c)).linkError(eb)).toEqual(
      chord([a], group(b.linkError(marked), c.linkError(marked))),
    )
    expect(marked.immutable).toBe(false)
    expect(marked.toJSON().options).toEqual({ immutable: true })
  })
})
