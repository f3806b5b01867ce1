// Which parts of a canvas go by reference, and what its messages and pages look like then.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { Node } from '../../src/canvas/node.js'
import { type AnySignature, signature } from '../../src/canvas/signature.js'
import { type SignatureJson, toJSON } from '../../src/canvas/wire.js'
import { decompose } from '../../src/runtime/decompose.js'
import { encodePage } from '../../src/runtime/envelope.js'
import type { SendPlan } from '../../src/runtime/plan.js'
import { referenceIn } from '../../src/runtime/reference.js'
import { holds, letGo, type Lookup, refers, unfoldAll } from '../../src/runtime/unfold.js'
import { weigh } from '../../src/runtime/weight.js'
import { build } from '../support/canvases/build.js'
import { type Around, nested, shapes } from '../support/canvases/deep.js'
import { originOf, outgoingOf, stepsOf } from './plans.js'

const add = (...args: unknown[]) => signature('proj.add', { args })
const sum = () => signature('proj.sum')
const many = (count: number, make: (index: number) => AnySignature) =>
  Array.from({ length: count }, (_, index) => make(index))
const stages = (count: number) =>
  chain(many(count, () => group(many(10, () => add(1))) as AnySignature).flatMap((each) => [each, sum()]))

const send = (canvas: unknown, isOurs = (_task: string): boolean => true): SendPlan =>
  decompose(canvas as Node, [], {}, originOf({ isOurs }))

const pagesOf = (plan: SendPlan) => stepsOf(plan, 'keep')

const lookupIn =
  (plan: SendPlan): Lookup =>
  ({ graph, page }) =>
    pagesOf(plan).find(({ key }) => key.graph === graph && key.page === page)?.steps ?? null

const isReference = (json: SignatureJson | null | undefined): boolean =>
  json != null && referenceIn(json) !== undefined

const levelsOf = (value: unknown): number =>
  value === null || typeof value !== 'object' ? 0 : 1 + Math.max(0, ...Object.values(value).map(levelsOf))

describe('what goes by reference', () => {
  it.each(Object.keys(shapes))('%s in each other: no message and no page has 128 levels', (shape) => {
    for (const depth of [20, 25, 30, 60, 130]) {
      const canvas = build(nested(shapes[shape] as Around, depth))
      const plan = decompose(
        canvas as unknown as Node,
        [],
        {},
        originOf({ isOurs: () => true, looksAhead: true }),
      )
      const embeds = outgoingOf(plan).map(({ embed }) => 1 + levelsOf(embed))
      const pages = pagesOf(plan).map(({ steps }) => levelsOf(steps))
      expect(Math.max(...embeds, ...pages)).toBeLessThan(128)
    }
  })

  it('the rest of a long chain; that of a short one stays', () => {
    const long = send(chain(many(40, () => add(1))))
    expect(outgoingOf(long)[0]?.embed.chain?.map(isReference)).toEqual([true])
    const short = send(chain(many(15, () => add(1))))
    expect(outgoingOf(short)[0]?.embed.chain?.map(isReference)).toEqual(Array(14).fill(false))
    expect(pagesOf(short)).toEqual([])
  })

  it('the rest of a short chain with a lot in its last step', () => {
    const plan = send(chain([add(1), add(2), add(3), add('x'.repeat(40_000))]))
    expect(outgoingOf(plan)[0]?.embed.chain?.map(isReference)).toEqual([true])
  })

  it('a big body of many members, once; a small one stays', () => {
    const big = chord(
      many(30, () => add(1, 1)),
      chain([sum(), ...many(12, () => add(1))]),
    )
    const messages = outgoingOf(send(big))
    expect(messages.every(({ embed }) => isReference(embed.chord))).toBe(true)
    expect(new Set(messages.map(({ embed }) => embed.chord)).size).toBe(1)
    const small = send(
      chord(
        many(100, () => add(1, 1)),
        sum(),
      ),
    )
    expect(outgoingOf(small).some(({ embed }) => isReference(embed.chord))).toBe(false)
  })

  it('nothing, where somebody else may have to read it', () => {
    const canvas = chain(many(40, () => add(1)))
    expect(pagesOf(send(canvas, (task) => task !== 'proj.add'))).toEqual([])
    expect(pagesOf(decompose(canvas as unknown as Node, [], {}, originOf()))).toEqual([])
  })

  it('what is deep: no message and no page has more than 128 levels of JSON', () => {
    for (const canvas of [stages(60), chain([add(1, 1), stages(60)])]) {
      const plan = send(canvas)
      const deepest = [
        // The body and its embed stand around.
        ...outgoingOf(plan).map(({ embed }) => 1 + levelsOf(embed)),
        ...pagesOf(plan).map(({ steps }) => levelsOf(JSON.parse(encodePage(steps)))),
      ]
      expect(Math.max(...deepest)).toBeLessThan(128)
      expect(pagesOf(plan).length).toBeGreaterThan(0)
    }
  })

  it('chords in headers of chords: each message names a few of them, and the rest lies on pages', () => {
    const nest = (depth: number) =>
      many(depth, add).reduce<AnySignature>(
        (inner) => chord([inner, add(1, 1)], sum()) as AnySignature,
        add(1, 1),
      )
    const weightOf = (depth: number): number => {
      const plan = send(nest(depth))
      const bodies = outgoingOf(plan).map(({ embed }) => embed)
      const pages = pagesOf(plan).map(({ steps }) => JSON.parse(encodePage(steps)))
      expect(Math.max(...bodies.map((embed) => 1 + levelsOf(embed)), ...pages.map(levelsOf))).toBeLessThan(
        128,
      )
      return JSON.stringify([bodies, pages]).length
    }
    expect(weightOf(400) / weightOf(200)).toBeLessThan(2.2)
  })

  it('nothing of it is lost: opened, it is the canvas that would have travelled inline', () => {
    for (const canvas of [chain(many(200, (index) => add(index))), stages(12)]) {
      const [plan, inline] = [send(canvas), decompose(canvas as unknown as Node, [], {}, originOf())]
      const opened = (json: readonly SignatureJson[]) => unfoldAll(json, lookupIn(plan))
      for (const [index, { embed }] of outgoingOf(plan).entries()) {
        const { chain: waiting, chord: body } = embed
        const expected = outgoingOf(inline)[index]?.embed
        if (waiting !== null) expect(opened(waiting).value).toEqual(expected?.chain)
        if (body !== null) expect(opened([body]).value).toEqual([expected?.chord])
      }
      const [first] = outgoingOf(plan)
      const { frees } = opened([
        ...(first?.embed.chain ?? []),
        ...(first?.embed.chord ? [first.embed.chord] : []),
      ])
      expect(frees).toHaveLength(pagesOf(plan).length)
    }
  })

  it('each step of a chain of 1 000 lies on one page', () => {
    const plan = send(chain(many(1000, (index) => add(index))))
    const steps = pagesOf(plan).flatMap(({ steps }) => steps.filter((step) => !isReference(step)))
    expect(steps).toHaveLength(999)
    expect(new Set(steps.map(({ options }) => options['task_id'])).size).toBe(999)
  })
})

it('a canvas is weighed within a quarter of what it has as JSON', () => {
  const canvases = [
    add(1, 'text'),
    chain(many(50, () => add(1))),
    stages(10),
    add({ list: [1, 2, 3], text: 'x'.repeat(500) }),
  ]
  for (const canvas of canvases) {
    const text = encodePage([toJSON(canvas as unknown as Node)])
    const { bytes } = weigh(canvas as unknown as Node)
    expect(bytes / text.length).toBeGreaterThan(0.75)
    expect(bytes / text.length).toBeLessThan(1.25)
  }
})

describe('what stands in a message and was never read', () => {
  const reference = { task: 'lovage.resume', kwargs: { $lv: { g: 'a', n: 1, i: 0, t: 'proj.add' } } }
  const step = (options: unknown, more: object = {}) => ({ ...add(1).toJSON(), options, ...more }) as never

  it('is looked through for references, also in a single callback without its list', () => {
    expect([holds([step({ link: reference })]), holds([step({ link: [reference] })])]).toEqual([true, true])
    expect([refers([step({ chain: reference })]), refers([step({ link: reference })])]).toEqual([true, false])
    expect(letGo([step({ link: reference })], () => [])).toEqual([
      expect.objectContaining({ graph: 'a', page: 1 }),
    ])
  })

  it.each<[string, never]>([
    ['null', null as never],
    ['a text', 'x' as never],
    ['options of null', step(null)],
    ['a link that is none', step({ link: 5, chain: 'x' })],
    ['links of null', step({ link: [null], chain: [null] })],
    ['a chain without steps', step({}, { subtask_type: 'chain', kwargs: null })],
    ['a group of nothing', step({}, { subtask_type: 'group', kwargs: { tasks: [null, 5] } })],
    ['a chord without header and body', step({}, { subtask_type: 'chord', kwargs: {} })],
  ])('may be anything: %s', (_, json) => {
    expect([refers([json]), holds([json]), letGo([json], () => null)]).toEqual([false, false, []])
    expect(unfoldAll([json], () => null).frees).toEqual([])
  })
})
