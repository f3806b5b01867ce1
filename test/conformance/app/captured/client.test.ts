// What a client sends: Celery's own messages, on every engine. No worker runs.
import { describe, expect, it } from 'vitest'
import type { App } from '../../../../src/app.js'
import { chain } from '../../../../src/canvas/chain.js'
import { chord } from '../../../../src/canvas/chord.js'
import { group } from '../../../../src/canvas/group.js'
import { chunks, xmap, xstarmap } from '../../../../src/canvas/map.js'
import type { StampingVisitor } from '../../../../src/canvas/visitor.js'
import type { claims } from '../../../vectors/canvas.claims.js'
import { messagesOf, caseOf } from '../../../vectors/read.js'
import { onEveryEngine } from '../bench.js'
import { shownBy, shownIn } from './compare.js'
import { add, defineTasks, errback, errbackNew, ident, mul, tsum } from './tasks.js'

type Cases<File extends keyof typeof claims> = Record<(typeof claims)[File][number], (app: App) => unknown>

const send =
  (work: () => any, args: readonly unknown[] = [], options = {}) =>
  (app: App): unknown =>
    app.send(work(), args, options)

const pairs = [
  [1, 2],
  [3, 4],
  [5, 6],
]

const canvas: Cases<'canvas'> = {
  'chain-3': send(() => chain(add.s(1, 2), mul.s(3), add.s(4))),
  'chain-immutable': send(() => chain(add.si(1, 2), mul.si(3, 4))),
  'chain-partial-args': send(() => chain(add.s(2), mul.s(3)), [10]),
  'chain-options': send(() => chain(add.s(1, 2), mul.s(3)), [], {
    countdown: 60,
    priority: 3,
    link: add.s(100),
    linkError: errback.s(),
  }),
  'chain-of-one': send(() => chain(add.s(1, 2))),
  'chain-task-group': send(() => chain(add.s(1, 2), group(mul.s(3), mul.s(4)))),
  'chain-task-group-task': send(() => chain(add.s(1, 2), group(mul.s(3), mul.s(4)), tsum.s())),
  'chain-group-task': send(() => chain(group(add.s(1, 1), add.s(2, 2)), tsum.s())),
  'chain-task-group-task-task': send(() => chain(add.s(1, 2), group(mul.s(3), mul.s(4)), tsum.s(), add.s(9))),
  group: send(() => group(add.s(1, 1), add.s(2, 2), add.s(3, 3))),
  'group-partial-args': send(() => group(add.s(1), add.si(2, 2)), [10]),
  'group-of-chains': send(() => group(chain(add.s(1, 1), mul.s(2)), add.s(3, 3))),
  'group-empty': send(() => group()),
  chord: send(() => chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], tsum.s())),
  'chord-link-error': send(() => chord([add.s(1, 1), add.s(2, 2)], tsum.s().linkError(errback.s()))),
  'chord-body-chain': send(() => chord([add.s(1, 1), add.s(2, 2)], chain(tsum.s(), mul.s(10)))),
  'chord-header-of-chains': send(() => chord([chain(add.s(1, 1), mul.s(2)), add.s(3, 3)], tsum.s())),
  'chord-nested-in-header': send(() =>
    chord([chord([add.s(1, 1), add.s(2, 2)], tsum.s()), add.s(3, 3)], tsum.s()),
  ),
  'chord-nested-in-body': send(() => chord([add.s(1, 1)], chord([add.s(1), add.s(2)], tsum.s()))),
  'chord-empty-header': send(() => chord([], tsum.s())),
  'chord-in-chain': send(() => chain(add.s(1, 2), chord([add.s(1), add.s(2)], tsum.s()), mul.s(2))),
  'chord-single': send(() => chord([add.s(1, 1)], tsum.s())),
  map: send(() => xmap(add.s(), [1, 2, 3])),
  starmap: send(() => xstarmap(add.s(), pairs.slice(0, 2))),
  chunks: send(() => chunks(add.s(), pairs, 2)),
}

const callbacks: Cases<'callbacks'> = {
  'link-one': send(() => add.s(1, 2), [], { link: mul.s(10) }),
  'link-two': send(() => add.s(1, 2), [], { link: [mul.s(10), add.si(7, 7)] }),
  'link-group': send(() => add.s(1, 2), [], { link: group(mul.s(2), mul.s(3)) }),
  'link-chain': send(() => add.s(1, 2), [], { link: chain(mul.s(2), mul.s(3)) }),
  'link-error-old': send(() => add.s(1, 2), [], { linkError: errback.s() }),
  'link-error-new': send(() => add.s(1, 2), [], { linkError: errbackNew.s() }),
  'link-with-options': send(() => add.s(1, 2), [], {
    link: mul.s(10).set({ queue: 'videos', countdown: 5, priority: 3 }),
  }),
}

/** The visitors of the captures. */
const visitor: StampingVisitor = { onSignature: () => ({ mtaskId: 'M1' }) }
const named: StampingVisitor = { onSignature: () => ({ stampedHeaders: ['mtask_id'], mtask_id: 'M1' }) }
const extra: StampingVisitor = {
  onSignature: () => ({ stampedHeaders: ['tenant'], tenant: 'acme', plain: 'not-a-stamp' }),
}

const stamping: Cases<'stamping'> = {
  'keyword-stamp': send(() => add.s(1, 2).stamp({ customer: 'acme', tier: 1 })),
  'visitor-stamp': send(() => add.s(1, 2).stamp(named)),
  'visitor-extra-header': send(() => add.s(1, 2).stamp(extra)),
  'stamped-chain-with-link': send(() =>
    chain(add.s(1, 2), mul.s(3).link(add.s(1))).stamp({ customer: 'acme' }),
  ),
  'stamped-chord': send(() => chord([add.s(1, 1), add.s(2, 2)], tsum.s()).stamp(named)),
  'apply-async-option': send(() => add.s(1, 2), [], { stamps: { customer: 'acme' } }),
}

onEveryEngine('a client sends what Celery sends', (bench) => {
  describe.each(Object.entries({ canvas, callbacks, stamping }))('%s', (file, cases) => {
    it.each(Object.entries(cases))('%s', async (name, act) => {
      const app = bench().app()
      defineTasks(app)
      await act(app)
      const { messages, chords } = shownIn(await bench().look())
      const theirs = shownBy(file, name)
      expect(messages).toEqual(theirs.messages)
      expect(chords).toEqual(theirs.chords)
    })
  })

  it('with the ids of each message in the places where Celery has them', async () => {
    const app = bench().app()
    defineTasks(app)
    await canvas['chord-nested-in-header'](app)
    const { messages } = await bench().look()
    const ours = (messages['celery'] ?? []).map((raw) => JSON.parse(raw).headers)
    const theirs = messagesOf(caseOf('canvas', 'chord-nested-in-header')).map(({ headers }) => headers)
    const groups = (all: readonly any[]) =>
      all.map(({ group: id }) => all.findIndex((each) => each.group === id))
    expect(groups(ours)).toEqual(groups(theirs))
  })

  it('with what is no stamp among the properties', async () => {
    const app = bench().app()
    defineTasks(app)
    await stamping['visitor-extra-header'](app)
    const [raw] = (await bench().look()).messages['celery'] ?? []
    const [theirs] = messagesOf(caseOf('stamping', 'visitor-extra-header'))
    expect(JSON.parse(raw!).properties.plain).toBe(theirs!.properties['plain'])
  })

  it('a stamp under the name that its visitor gives it', async () => {
    const app = bench().app()
    defineTasks(app)
    await app.send(ident.s(1).stamp(visitor))
    const [raw] = (await bench().look()).messages['celery'] ?? []
    expect(JSON.parse(raw!).headers).toMatchObject({
      stamped_headers: ['mtaskId'],
      stamps: { mtaskId: 'M1' },
    })
  })
})
