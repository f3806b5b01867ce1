// Stamps: fixed ones and visitors, at every place of a canvas, as Celery writes them.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { Node } from '../../src/canvas/node.js'
import { type AnySignature, signature } from '../../src/canvas/signature.js'
import { stamp } from '../../src/canvas/stamp.js'
import type { StampingVisitor, Stamps } from '../../src/canvas/visitor.js'
import { mapNodes } from '../../src/canvas/walk.js'

const make = (name: string, args: unknown[] = []): any => signature(name, { args })
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => make(name)) as [any, any, any, any]

/** Every task that runs or follows, with its stamps. */
const stampsIn = (work: AnySignature): Record<string, unknown> => {
  const found: Record<string, unknown> = {}
  mapNodes(work as unknown as Node, (node) => {
    if (node.kind === 'task') found[node.task] = node.options.stamps
    return node
  })
  return found
}

describe('fixed stamps', () => {
  it('stand on every task, callback and errback', () => {
    const work = chain(a.link(c), group(b.linkError(d), chord([make('h')], make('body'))))
    const acme = { customer: 'acme' }
    expect(stampsIn(work.stamp(acme) as any)).toEqual({
      a: acme,
      b: acme,
      c: acme,
      d: acme,
      h: acme,
      body: acme,
    })
  })

  it('are options of the wire under their own names, listed in stamped_headers', () => {
    const { options } = a.stamp({ customer: 'acme', tier: 1 }).toJSON()
    expect(options).toEqual({ customer: 'acme', tier: 1, stamped_headers: ['customer', 'tier'] })
    expect(signature.from(a.stamp({ customer: 'acme' }).toJSON())).toEqual(a.stamp({ customer: 'acme' }))
  })

  it('take the place of those that are there; lists add up', () => {
    expect(a.stamp({ run: 1, of: [1] }).stamp({ run: 2, of: [1, 2] }).options.stamps).toEqual({
      run: 2,
      of: [1, 2],
    })
  })

  it('are added to those that are there, where that is asked for', () => {
    const twice = a.stamp({ customer: 'a' }).stamp({ customer: 'b' }, { append: true })
    expect(twice.options.stamps).toEqual({ customer: ['b', 'a'] })
  })

  it('may be given by the free function, and change nothing that is there', () => {
    const stamped = stamp(a, { x: 1 })
    expect([stamped.options.stamps, a.options]).toEqual([{ x: 1 }, {}])
    expect(Object.isFrozen(stamped)).toBe(true)
  })

  it('cannot be called as an option is', () => {
    expect(() => a.stamp({ queue: 'io' })).toThrow('A stamp cannot be called "queue"')
    expect(() => a.stamp('acme')).toThrow('stamp() expects stamps or a visitor, but got "acme"')
  })
})

/** Writes down what it is asked, and answers with one stamp for each kind of place. */
const diary = (): { seen: string[]; visitor: Required<StampingVisitor> } => {
  const seen: string[] = []
  const names = (stamps: Stamps) => Object.keys(stamps).sort().join('+')
  const told = (word: string, gives: boolean) => (node: Node, stamps: Stamps) => {
    seen.push(`${word} ${node.kind === 'task' ? node.task : node.kind} (${names(stamps)})`)
    return gives ? { [word]: 1 } : undefined
  }
  return {
    seen,
    visitor: {
      onSignature: told('signature', true),
      onGroupStart: told('group', true),
      onGroupEnd: told('groupEnd', false),
      onChainStart: told('line', true),
      onChainEnd: told('chainEnd', false),
      onChordHeaderStart: told('header', true),
      onChordHeaderEnd: told('headerEnd', false),
      onChordBody: told('body', true),
      onCallback: told('callback', true),
      onErrback: told('errback', true),
    },
  }
}

describe('a visitor', () => {
  it('is asked at each place, in the order in which it runs, with what was said around it', () => {
    const { seen, visitor } = diary()
    const work = chain(a, group(b.link(c), d))
    const found = stampsIn(work.stamp(visitor) as any)
    expect(seen).toEqual([
      'line chain ()',
      'signature a (line)',
      'group group (line)',
      'callback c (group+line)',
      'signature c (callback+group+line)',
      'signature b (group+line)',
      'signature d (group+line)',
      'groupEnd group (group+line)',
      'chainEnd chain (line)',
    ])
    expect(found).toMatchObject({
      a: { line: 1, signature: 1 },
      b: { line: 1, group: 1, signature: 1 },
      c: { line: 1, group: 1, callback: 1, signature: 1 },
    })
    expect(found['b']).not.toHaveProperty('callback')
  })

  it('sees a chord’s header, its end, and then its body', () => {
    const { seen, visitor } = diary()
    chord([a, b], c.linkError(d)).stamp(visitor)
    expect(seen).toEqual([
      'header chord ()',
      'signature a (header)',
      'signature b (header)',
      'headerEnd chord (header)',
      'body chord (header)',
      'errback d (body+header)',
      'signature d (body+errback+header)',
      'signature c (body+header)',
    ])
  })

  it('that says nothing of headers sees them as groups', () => {
    const { seen, visitor } = diary()
    const { onChordHeaderStart: _s, onChordHeaderEnd: _e, ...others } = visitor
    chord([a], c).stamp(others)
    expect(seen).toEqual([
      'group group ()',
      'signature a (group)',
      'groupEnd group (group)',
      'body chord (group)',
      'signature c (body+group)',
    ])
  })

  it('of which two places give the same stamp: the outer one counts', () => {
    const visitor: StampingVisitor = {
      onSignature: () => ({ where: 'inside', own: 1 }),
      onGroupStart: () => ({ where: 'around' }),
    }
    expect(stampsIn(group(a, b).stamp(visitor) as any)).toEqual({
      a: { where: 'around', own: 1 },
      b: { where: 'around', own: 1 },
    })
  })

  it('may give options beside its stamps', () => {
    const visitor: StampingVisitor = {
      onSignature: () => ({ stampedHeaders: ['tenant'], tenant: 'acme', queue: 'io', plain: 'word' }),
    }
    expect(a.stamp(visitor).options).toEqual({
      queue: 'io',
      other: { plain: 'word' },
      stamps: { tenant: 'acme' },
      stampedHeaders: ['tenant'],
    })
  })

  it('has fixed stamps beside it', () => {
    const visitor: StampingVisitor = { onSignature: (_, stamps) => ({ saw: Object.keys(stamps).join() }) }
    expect(a.stamp(visitor, { stamps: { run: 7 } }).options.stamps).toEqual({ run: 7, saw: 'run' })
  })

  it('keeps its own `this`, and is refused what is no stamp', () => {
    class Counting implements StampingVisitor {
      count = 0
      onSignature() {
        this.count += 1
        return { number: this.count }
      }
      onCallback() {
        return { calls: this.count }
      }
    }
    const found = stampsIn(group(a.link(c), b).stamp(new Counting()) as any)
    expect(found).toEqual({ a: { number: 2 }, b: { number: 3 }, c: { calls: 0, number: 1 } })
    expect(() => a.stamp({ onSignature: () => 7 as never })).toThrow(
      'onSignature is expected to give an object of stamps, but it gave 7.',
    )
  })

  it('goes as deep as a canvas goes', () => {
    let work: any = a
    for (let depth = 0; depth < 2000; depth += 1) work = group(work, b)
    expect(stampsIn(work.stamp({ x: 1 }))).toEqual({ a: { x: 1 }, b: { x: 1 } })
  })
})
