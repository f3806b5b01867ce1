import { afterEach, describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { currentSender, installSender, type Sender } from '../../src/canvas/sender.js'
import * as canvas from '../../src/canvas/signature.js'
import { clone, immutable, isSignature, ownerOf, set, signature } from '../../src/canvas/signature.js'
import { add, app, mul, onError, task, tsum } from './tasks.js'

const loose = (value: unknown): any => value

describe('a signature', () => {
  it('is frozen, and so are its lists', () => {
    const sig = add.s(1, 2).set({ link: mul.s(3) })
    for (const part of [sig, sig.args, sig.kwargs, sig.options, sig.options.link])
      expect(Object.isFrozen(part)).toBe(true)
    expect(() => Object.assign(sig, { task: 'x' })).toThrow(TypeError)
    expect(() => loose(sig.args).push(3)).toThrow(TypeError)
    const composed = chord([add.s(1, 2)], tsum.s())
    expect(Object.isFrozen(loose(composed).header)).toBe(true)
    expect(Object.isFrozen(loose(group(add.s(1, 2))).tasks)).toBe(true)
  })

  it('takes copies: what the user changes later is not in it', () => {
    const args = [1, 2]
    const kwargs = { k: 1 }
    const sig = signature('t', { args, kwargs, options: {} })
    args.push(3)
    kwargs.k = 2
    expect(sig).toMatchObject({ args: [1, 2], kwargs: { k: 1 } })
    expect(Object.isFrozen(args)).toBe(false)
  })

  it('leaves alone what the user handed over as an argument', () => {
    const order = { id: 7 }
    expect(signature('t', { args: [order] }).args[0]).toBe(order)
    expect(Object.isFrozen(order)).toBe(false)
  })

  it('is equal to another one with the same data, and to no other', () => {
    expect(add.s(1, 2)).toEqual(signature('proj.add', { args: [1, 2] }))
    expect(add.s(1, 2)).toStrictEqual(signature('proj.add', { args: [1, 2] }))
    expect(add.s(1, 2)).not.toEqual(add.si(1, 2))
    expect(chain(add.s(1, 2), mul.s(3))).toStrictEqual(chain(add.s(1, 2), mul.s(3)))
  })

  it('shows its data alone when it is spread or listed', () => {
    expect({ ...add.s(1, 2) }).toStrictEqual({
      kind: 'task',
      task: 'proj.add',
      args: [1, 2],
      kwargs: {},
      options: {},
      immutable: false,
    })
    const keys: string[] = []
    for (const key in add.s(1, 2)) keys.push(key)
    expect(keys).toEqual(['kind', 'task', 'args', 'kwargs', 'options', 'immutable'])
  })

  it('is known by a brand, also when another copy of the library made it', () => {
    expect(isSignature(add.s())).toBe(true)
    expect(isSignature({ ...add.s() })).toBe(false)
    const foreign = Object.assign(Object.create({ [Symbol.for('lovage.signature')]: true }), {
      ...add.s(1, 2),
    })
    expect(chain(foreign, mul.s(2))).toEqual(chain(add.s(1, 2), mul.s(2)))
  })

  it('needs a name, a list of args and an object of kwargs', () => {
    expect(() => signature('')).toThrow(`signature() expects a task's name, but got "".`)
    expect(() => signature(loose(7))).toThrow('but got 7.')
    expect(() => signature('t', { args: loose('ab') })).toThrow(
      'The args of t are expected to be an array, but they are "ab".',
    )
    for (const [kwargs, words] of [
      [[1], 'an array of 1'],
      [null, 'null'],
      ['x', '"x"'],
      [new Date(0), 'an object of class Date'],
    ] as const)
      expect(() => signature('t', { kwargs: loose(kwargs) })).toThrow(
        `The kwargs of t are expected to be an object, but they are ${words}.`,
      )
    expect(() => signature('t', { options: loose(3) })).toThrow(
      'Options are expected to be an object, but got 3.',
    )
  })

  it('keeps a kwarg named __proto__ as a key like any other', () => {
    const sig = signature('t', { kwargs: JSON.parse('{"__proto__": {"polluted": true}}') })
    expect(Object.keys(sig.kwargs)).toEqual(['__proto__'])
    expect(loose(sig.kwargs).polluted).toBeUndefined()
    expect(loose({}).polluted).toBeUndefined()
    expect(JSON.stringify(sig.set({ queue: 'q' }))).toContain('"kwargs":{"__proto__":{"polluted":true}}')
  })
})

describe('set', () => {
  it('lays options over those that are there', () => {
    const sig = add.s(1).set({ queue: 'a', priority: 3 })
    expect(sig.set({ queue: 'b' }).options).toEqual({ queue: 'b', priority: 3 })
    expect(sig.options.queue).toBe('a')
  })

  it('takes an option away that is undefined', () => {
    expect(add.s(1).set({ queue: 'a', priority: 3 }).set({ queue: undefined }).options).toEqual({
      priority: 3,
    })
    expect(add.s(1).set(loose({ queue: null })).options).toEqual({})
  })

  it('sets the options of a composite on the composite', () => {
    const sig = chain(add.s(1, 2), mul.s(3)).set({ countdown: 60 })
    expect(sig.options).toEqual({ countdown: 60 })
    expect(loose(sig).tasks[0].options).toEqual({})
  })

  it('takes a single callback or a list of them', () => {
    expect(add.s(1).set({ link: mul.s(2) }).options.link).toEqual([mul.s(2)])
    expect(add.s(1).set({ linkError: [onError.s()] }).options.linkError).toEqual([onError.s()])
  })

  it('refuses a link on a group, which could not be called', () => {
    expect(() => group(add.s(1, 1)).set({ link: tsum.s() })).toThrow(
      'A group cannot carry a link in its options. Use chord(members, callback), or link() for its first member.',
    )
  })

  it('is the same as a function', () => {
    expect(set(add.s(1), { queue: 'a' })).toEqual(add.s(1).set({ queue: 'a' }))
  })
})

describe('clone', () => {
  it('puts arguments in front, as a call does', () => {
    expect(add.s(2).clone([1]).args).toEqual([1, 2])
    expect(clone(add.s(2), [1])).toEqual(add.s(1, 2))
  })

  it('without arguments is an equal signature', () => {
    expect(add.s(2).clone()).toStrictEqual(add.s(2))
  })

  it('leaves an immutable one as it is', () => {
    expect(loose(add.si(1, 2)).clone([9]).args).toEqual([1, 2])
  })

  it('expects an array', () => {
    expect(() => loose(add.s(2)).clone(1)).toThrow('clone() expects an array of arguments, but got 1.')
  })
})

describe('immutable', () => {
  it('takes nothing from the left, with all data kept', () => {
    expect(immutable(add.s(1, 2))).toEqual(add.si(1, 2))
  })

  it('is handed on by a group to its members, nested ones too, and by a chord to its header', () => {
    expect(immutable(group(add.s(1, 1), group(add.s(2, 2))))).toEqual(
      group(add.si(1, 1), group(add.si(2, 2))),
    )
    expect(immutable(chord([add.s(1, 1)], tsum.s()))).toEqual(chord([add.si(1, 1)], tsum.s()))
  })
})

describe('the owner', () => {
  const other = { name: 'other' }
  const foreign = task<(x: number) => number>('other.t', other)

  it('is the app of the task, is not enumerable, and stays through every change', () => {
    expect(ownerOf(loose(add.s(1)))).toBe(app)
    expect(Object.getOwnPropertyDescriptor(add.s(1), canvas.owner)?.enumerable).toBe(false)
    const changed = add.s(1).set({ queue: 'q' }).link(mul.s(2)).linkError(onError.s()).clone()
    expect(ownerOf(loose(changed))).toBe(app)
    expect(ownerOf(loose(changed.clone([3])))).toBe(app)
    expect(ownerOf(loose(immutable(changed)))).toBe(app)
  })

  it('of a composite is that of its first owned member', () => {
    expect(ownerOf(loose(chain(signature('x'), foreign.s(), add.s(1))))).toBe(other)
    expect(ownerOf(loose(group(signature('x'), add.s(1, 1))))).toBe(app)
    expect(ownerOf(loose(chord([signature('x')], tsum.s())))).toBe(app)
    expect(ownerOf(loose(signature('x').pipe(group(foreign.s(), foreign.s()), signature('y'))))).toBe(other)
    expect(ownerOf(loose(foreign.map([1])))).toBe(other)
  })

  it('is nobody where no member is bound to an app', () => {
    expect(ownerOf(loose(chain(signature('x'), signature('y'))))).toBeUndefined()
  })
})

describe('sending', () => {
  const calls: unknown[] = []
  const place = Symbol.for('lovage.sender')
  const before = loose(globalThis)[place]
  const sender: Sender = {
    send: (node, args, options) => {
      calls.push([node, args, options])
      return loose({ id: 'sent' })
    },
  }
  afterEach(() => {
    calls.length = 0
    loose(globalThis)[place] = before
  })

  it('goes through the one sender of the process', () => {
    installSender(sender)
    const sig = add.s(2)
    expect(loose(sig.delay(1)).id).toBe('sent')
    void sig.applyAsync([1], { countdown: 10, link: mul.s(2) })
    void sig.applyAsync([], { kwargs: { x: 1 } })
    expect(calls).toEqual([
      [sig, [1], {}],
      [sig, [1], { countdown: 10, link: mul.s(2) }],
      [sig, [], { kwargs: { x: 1 } }],
    ])
    expect(currentSender()).toBe(sender)
  })

  it('says what is missing where nobody installed one', () => {
    delete loose(globalThis)[place]
    expect(() => add.s(1, 2).delay()).toThrow(
      'Nothing can be sent yet: no app was created in this process. Call createApp() first.',
    )
  })

  it('expects the arguments of applyAsync in an array', () => {
    installSender(sender)
    expect(() => loose(add.s(1, 2)).applyAsync(3)).toThrow(
      'applyAsync() expects an array of arguments, but got 3.',
    )
  })
})
