// What a client sends for a canvas: Celery's own messages, and what we do better.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { chunks, xmap, xstarmap } from '../../src/canvas/map.js'
import type { Node, SignatureOptions } from '../../src/canvas/node.js'
import { type AnySignature, immutable, signature } from '../../src/canvas/signature.js'
import { decompose } from '../../src/runtime/decompose.js'
import { caseOf, messagesOf as captured } from '../vectors/read.js'
import { messageForm, numbered } from '../vectors/same.js'
import { counter, envelopesOf, messagesOf, originOf, outgoingOf, rawsOf, stepsOf } from './plans.js'

const make = (name: string) => ({
  s: (...args: unknown[]): any => signature(`proj.${name}`, { args }),
  si: (...args: unknown[]): any => immutable(signature(`proj.${name}`, { args })),
})
const [add, mul, tsum, ident] = [make('add'), make('mul'), make('tsum'), make('ident')]
const onError = make('errback_old')
const link = (...nodes: unknown[]): readonly Node[] => nodes as Node[]

const send = (work: AnySignature, args: readonly unknown[] = [], options: SignatureOptions = {}) =>
  decompose(work as unknown as Node, args, options, originOf())

describe('a client sends what Celery sends:', () => {
  const cases: Readonly<Record<string, () => ReturnType<typeof send>>> = {
    'chain-3': () => send(chain(add.s(1, 2), mul.s(3), add.s(4))),
    'chain-immutable': () => send(chain(add.si(1, 2), mul.si(3, 4))),
    'chain-partial-args': () => send(chain(add.s(2), mul.s(3)), [10]),
    'chain-options': () =>
      send(chain(add.s(1, 2), mul.s(3)), [], {
        countdown: 60,
        priority: 3,
        link: link(add.s(100)),
        linkError: link(onError.s()),
      }),
    'chain-of-one': () => send(chain(add.s(1, 2))),
    'chain-task-group': () => send(chain(add.s(1, 2), group(mul.s(3), mul.s(4)))),
    'chain-task-group-task': () => send(chain(add.s(1, 2), group(mul.s(3), mul.s(4)), tsum.s())),
    'chain-group-task': () => send(chain(group(add.s(1, 1), add.s(2, 2)), tsum.s())),
    'chain-task-group-task-task': () =>
      send(chain(add.s(1, 2), group(mul.s(3), mul.s(4)), tsum.s(), add.s(9))),
    group: () => send(group(add.s(1, 1), add.s(2, 2), add.s(3, 3))),
    'group-partial-args': () => send(group(add.s(1), add.si(2, 2)), [10]),
    'group-of-chains': () => send(group(chain(add.s(1, 1), mul.s(2)), add.s(3, 3))),
    'group-empty': () => send(group()),
    chord: () => send(chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], tsum.s())),
    'chord-link-error': () => send(chord([add.s(1, 1), add.s(2, 2)], tsum.s().linkError(onError.s()))),
    'chord-body-chain': () => send(chord([add.s(1, 1), add.s(2, 2)], chain(tsum.s(), mul.s(10)))),
    'chord-header-of-chains': () => send(chord([chain(add.s(1, 1), mul.s(2)), add.s(3, 3)], tsum.s())),
    'chord-nested-in-header': () =>
      send(chord([chord([add.s(1, 1), add.s(2, 2)], tsum.s()), add.s(3, 3)], tsum.s())),
    'chord-empty-header': () => send(chord([], tsum.s())),
    'chord-in-chain': () => send(chain(add.s(1, 2), chord([add.s(1), add.s(2)], tsum.s()), mul.s(2))),
    'chord-nested-in-body': () => send(chord([add.s(1, 1)], chord([add.s(1), add.s(2)], tsum.s()))),
    map: () => send(xmap(add.s(), [1, 2, 3])),
    starmap: () =>
      send(
        xstarmap(add.s(), [
          [1, 2],
          [3, 4],
        ]),
      ),
    chunks: () =>
      send(
        chunks(
          add.s(),
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          2,
        ),
      ),
    'chord-single': () => send(chord([add.s(1, 1)], tsum.s())),
  }

  it.each(Object.keys(cases))('%s', (name) => {
    const item = caseOf('canvas', name)
    const plan = (cases[name] as () => ReturnType<typeof send>)()
    const ours = envelopesOf(plan).map(messageForm)
    const theirs = captured(item).map((message) => messageForm(message as never))
    expect(numbered(ours)).toEqual(numbered(theirs))
    // Sizes of chords: decimal texts under `…<group id>.s`.
    const sizes = (item.redis ?? []).filter(({ key }) => key.endsWith('.s')).map(({ value }) => Number(value))
    const opened = stepsOf(plan, 'open-chord').map(({ chord: { size } }) => size)
    expect(opened.sort(ascending)).toEqual(sizes.sort(ascending))
  })
})

const ascending = (a: number, b: number): number => a - b

const bytesOf = (plan: ReturnType<typeof send>): number => rawsOf(plan).join('').length

describe('what is sent', () => {
  it('does not explode with the nesting: each stage costs what it is', () => {
    const stages = (count: number) => {
      const steps = Array.from({ length: count }, (_, i) => [group(add.s(i), add.s(i)), tsum.s()]).flat()
      return bytesOf(send((chain as any)(...steps), [1]))
    }
    const [six, seven, thirty, thirtyOne] = [6, 7, 30, 31].map(stages) as [number, number, number, number]
    expect(six).toBeLessThan(20_000)
    expect(thirtyOne - thirty).toBeLessThan(1.2 * (seven - six))
  })

  it('has every id of a chain fixed, the last step first in the result, its parents behind', () => {
    const { result, steps } = send(chain(add.s(1, 2), mul.s(3), add.s(4)))
    const [first] = outgoingOf({ steps })
    const waiting = [...(first?.embed.chain ?? [])].reverse().map(({ options }) => options['task_id'])
    const ids = [result.id, result.parent?.id, result.parent?.parent?.id]
    expect(ids.reverse()).toEqual([first?.id, ...waiting])
    expect(result.parent?.parent?.parent).toBeNull()
  })

  it('has the header of a chord as the parent of its body, and the step before it as that of the header', () => {
    const { result } = send(chain(add.s(1, 2), group(mul.s(3), mul.s(4)), tsum.s()))
    expect(result).toMatchObject({
      kind: 'task',
      parent: { kind: 'group', parent: { kind: 'task', parent: null } },
    })
    expect(result.parent?.kind === 'group' && result.parent.results).toHaveLength(2)
  })

  it('numbers members of nested groups in one row', () => {
    const plan = send(group(add.s(1, 1), group(add.s(2, 2), add.s(3, 3)), add.s(4, 4)))
    expect(outgoingOf(plan).map(({ groupIndex, args }) => [groupIndex, args[0]])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ])
    expect(new Set(outgoingOf(plan).map(({ groupId }) => groupId)).size).toBe(1)
  })

  it('gives each chord body that is a group an id of its own', () => {
    const plan = send(chord([add.s(1, 1)], group(tsum.s(), tsum.s())))
    const [{ groupId, embed }] = outgoingOf(plan) as [any]
    const [{ chord: opened }] = stepsOf(plan, 'open-chord') as [any]
    expect(opened).toMatchObject({ groupId, size: 1, bodyId: embed.chord.options.task_id })
    expect(opened.bodyId).not.toBe(groupId)
  })

  it('makes one result of a group that reports to a chord', () => {
    const plan = send(chord([chain(add.s(1, 1), group(add.s(2), add.s(3))), add.s(4, 4)], ident.s()))
    expect(stepsOf(plan, 'open-chord')).toMatchObject([{ chord: { size: 2 } }])
    const [first] = outgoingOf(plan)
    const [step] = first?.embed.chain ?? []
    expect(step).toMatchObject({
      subtask_type: 'chord',
      kwargs: { body: { task: 'celery.accumulate', kwargs: { index: 0 } } },
    })
  })

  it('refuses what is nested too deep to be read, and says what to do', () => {
    const stages = (count: number) =>
      (chain as any)(...Array.from({ length: count }, () => [group(add.s(1), add.s(1)), tsum.s()]).flat())
    expect(messagesOf(send(stages(40), [1]))).toHaveLength(2)
    expect(() => send(stages(100), [1])).toThrow(
      /^chord\.body\.chain\[1\]\.chord\.body\..*\.…\..*\.chord\.body \(proj\.tsum\): is nested too deep: its message has \d+ levels.*at most 290 are sent \(the setting canvasMaxLevels\)/,
    )
    const groups = Array.from({ length: 50_000 }).reduce<any>((inner) => group(inner, add.s(1)), add.s(1))
    expect(() => send(groups, [1])).toThrow(
      /group\[0\]\.….*group\[1\] \(proj.add\): stands too deep for the call stack of this process/,
    )
    const callbacks = (count: number) =>
      Array.from({ length: count }).reduce<typeof add>(
        (next) => add.s(1).link(next as any) as any,
        add.s(1) as any,
      )
    expect(messagesOf(send(callbacks(90) as any, [1]))).toHaveLength(1)
    expect(() => send(callbacks(150) as any, [1])).toThrow(/link\[0\] \(.*add\): is nested too deep/)
  })

  it('takes a chain of 5 000 steps, a group of 10 000 and a chord of 5 000 in a moment', () => {
    const many = (count: number) => Array.from({ length: count }, () => add.s(1))
    const started = performance.now()
    expect(outgoingOf(send((chain as any)(many(5000)), [1]))[0]?.embed.chain).toHaveLength(4999)
    expect(outgoingOf(send((group as any)(many(10_000)), [1]))).toHaveLength(10_000)
    expect(outgoingOf(send(chord(many(5000), tsum.s()), [1]))).toHaveLength(5000)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

describe('options', () => {
  it('of a call win over those of a signature', () => {
    const [message] = outgoingOf(
      send(add.s(1).set({ queue: 'a', priority: 1, shadow: 'own' }), [1], { queue: 'b' }),
    )
    expect(message).toMatchObject({ queue: 'b', priority: 1, shadow: 'own' })
  })

  it('of a group apply to each member', () => {
    const plan = send(group(add.s(1, 1), chain(add.s(2, 2), mul.s(2))).set({ queue: 'a' }), [], {
      priority: 3,
    })
    expect(outgoingOf(plan)).toMatchObject([
      { queue: 'a', priority: 3 },
      { queue: 'a', priority: 3 },
    ])
  })

  it('of a group that became a header apply to the header and not to the body', () => {
    const plan = send(chain(group(add.s(1, 1), add.s(2, 2)).set({ queue: 'a', timeLimit: 9 }), tsum.s()))
    for (const message of outgoingOf(plan)) {
      expect(message).toMatchObject({ queue: 'a', timeLimit: 9 })
      expect(message.embed.chord?.options).not.toHaveProperty('queue')
      expect(message.embed.chord?.options).not.toHaveProperty('time_limit')
    }
  })

  it('of a nested group are said of its members, and so are its arguments', () => {
    const inner = group(add.s(2), add.s(3)).set({ queue: 'a' }).clone([7])
    const [one, two, three] = outgoingOf(send(group(add.s(1, 1), inner as any)))
    expect(one).not.toHaveProperty('queue')
    expect([two?.queue, two?.args, three?.queue, three?.args]).toEqual(['a', [7, 2], 'a', [7, 3]])
  })

  it('of a chord apply to header and body', () => {
    const [message] = outgoingOf(send(chord([add.s(1, 1)], tsum.s()), [], { queue: 'a' }))
    expect([message?.queue, message?.embed.chord?.options['queue']]).toEqual(['a', 'a'])
  })

  it('countdown of a chord delays its header, and the body follows that at once', () => {
    const [message] = outgoingOf(send(chord([add.s(1, 1)], tsum.s()), [], { countdown: 5 }))
    expect(message?.eta).toMatchObject({ ms: originOf().nowMs + 5000 })
    expect(message?.embed.chord?.options).not.toHaveProperty('countdown')
  })

  it('taskId is the id of the result, in a chain and in a chord', () => {
    expect(send(chain(add.s(1, 1), add.s(1)), [], { taskId: 'mine' }).result.id).toBe('mine')
    expect(send(chord([add.s(1, 1)], tsum.s()), [], { taskId: 'mine' }).result.id).toBe('mine')
    expect(send(chord([add.s(1, 1)], tsum.s()).set({ taskId: 'mine' })).result.id).toBe('mine')
    expect(send(chord([add.s(1, 1)], chain(tsum.s(), mul.s(2))), [], { taskId: 'mine' }).result.id).toBe(
      'mine',
    )
  })

  it('link and linkError of a chain: the callback to its end, the errback to every step, also where those are canvases', () => {
    const work = chain(add.s(1, 2), group(mul.s(3), mul.s(4)), tsum.s(), group(mul.s(1), mul.s(2)))
    const [message] = outgoingOf(send(work, [], { linkError: link(onError.s()) }))
    expect(message?.embed.errbacks).toMatchObject([{ task: 'proj.errback_old' }])
    const text = JSON.stringify(message?.embed.chain)
    // The chord's body (a chain: on the whole of it), and nothing on the header.
    expect(text.match(/errback_old/g)).toHaveLength(1)
    expect(() =>
      send(chain(add.s(1, 2), group(mul.s(3), mul.s(4))), [], { link: link(add.s(1)) }),
    ).not.toThrow()
  })

  it('a link on a group is refused', () => {
    expect(() => send(group(add.s(1, 1), add.s(1, 2)), [], { link: link(add.s(1)) })).toThrow(
      'A group cannot have a link: link its members, or make it a chord',
    )
  })

  it('a link in the options of a group, where Python writes what is linked to a chain, is called for each member', () => {
    const members = group(add.s(1, 1).link(ident.s()), chain(add.s(1, 2), mul.s(2)), group(add.s(1, 3)))
    const json: any = members.toJSON()
    const linked = { ...json, options: { link: [tsum.s().toJSON()] } }
    const names = (sigs: readonly { task: string }[] | null | undefined) => sigs?.map(({ task }) => task)
    const [one, two, three] = outgoingOf(send(signature.from(linked)))
    expect(
      [one, two?.embed.chain?.[0]?.options, three].map((at: any) => names(at.embed?.callbacks ?? at.link)),
    ).toEqual([['proj.ident', 'proj.tsum'], ['proj.tsum'], ['proj.tsum']])
    expect(one?.embed.callbacks?.at(-1)?.immutable).toBe(false)
    const [first] = outgoingOf(send(chain(signature.from(linked), ident.s())))
    expect(names(first?.embed.callbacks)).toEqual(['proj.ident', 'proj.tsum'])
  })

  it('the errbacks of a chord that Python has written on its header as well are not written there again', () => {
    const written = { ...onError.s().toJSON(), options: { immutable: true } }
    const member = signature.from({ ...add.s(1, 1).toJSON(), options: { link_error: [written] } })
    const work = chord([member, add.s(1, 2)], tsum.s()).linkError(onError.s())
    const { steps } = decompose(work as any, [], {}, { ...originOf(), headerErrbacks: true })
    expect(outgoingOf({ steps }).map(({ embed }) => embed.errbacks)).toEqual([[written], [written]])
  })

  it('times become moments by the clock that is given', () => {
    const [message] = outgoingOf(send(add.s(1, 1), [], { countdown: 60, expires: 90 }))
    expect(message?.eta).toEqual({ text: '2026-11-20T12:01:00.000000+00:00', ms: originOf().nowMs + 60_000 })
    expect(message?.expires?.ms).toBe(originOf().nowMs + 90_000)
    const when = new Date('2027-01-01T00:00:00Z')
    expect(outgoingOf(send(add.s(1, 1), [], { eta: when }))[0]?.eta?.ms).toBe(when.getTime())
    expect(() => send(add.s(1, 1), [], { eta: 'soon' })).toThrow('eta: expected a Date or an ISO 8601 text')
  })
})

describe('inside a task', () => {
  it('what is sent has its root, and it as the parent', () => {
    const inside = originOf({ rootId: 'root', parentId: 'me', mint: counter() })
    const work = chord([add.s(1, 1), chain(add.s(2, 2), add.s(3))], tsum.s()) as unknown as Node
    for (const message of decompose(work, [], {}, inside).steps.flatMap((step) =>
      step.do === 'publish' ? step.message : [],
    ))
      expect(message).toMatchObject({ rootId: 'root', parentId: 'me' })
  })
})
