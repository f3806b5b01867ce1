// What a worker sends, stores and reports after a task, beside what Celery's workers did.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { xmap, xstarmap } from '../../src/canvas/map.js'
import type { Node, SignatureOptions } from '../../src/canvas/node.js'
import { immutable, signature } from '../../src/canvas/signature.js'
import { fromJSON } from '../../src/canvas/wire.js'
import { Retry } from '../../src/errors.js'
import { decompose } from '../../src/runtime/decompose.js'
import { bodyIdOf } from '../../src/runtime/freeze.js'
import { followSuccess } from '../../src/runtime/follow.js'
import { failureOf, followFailure, revokedBy } from '../../src/runtime/follow-failure.js'
import { followJoins } from '../../src/runtime/follow-join.js'
import { followRetry } from '../../src/runtime/follow-retry.js'
import { followTold } from '../../src/runtime/follow-told.js'
import type { Message } from '../../src/runtime/message.js'
import { newsIn, type Told } from '../../src/runtime/news.js'
import { seatsAround } from '../../src/runtime/parts.js'
import { caseOf, messagesOf as captured } from '../vectors/read.js'
import { messageForm, numbered, resultForm } from '../vectors/same.js'
import {
  contextOf,
  counter,
  envelopesOf,
  messagesOf,
  nowMs,
  outgoingOf,
  rawsOf,
  read,
  stepsOf,
} from './plans.js'
import { type Code, World } from './world.js'

const make = (name: string) => ({
  s: (...args: unknown[]): any => signature(name.includes('.') ? name : `proj.${name}`, { args }),
  si: (...args: unknown[]): any => immutable(signature(name.includes('.') ? name : `proj.${name}`, { args })),
})
const [add, mul, tsum, fail] = ['add', 'mul', 'tsum', 'fail'].map(make) as [any, any, any, any]
const onError = make('errback_old')
const held = { queue: 'held' }
const link = (...nodes: unknown[]): readonly Node[] => nodes as Node[]

class ValueError extends Error {
  override readonly name = 'ValueError'
  readonly args = ['boom', 42]
}

/** The tasks of the captures. */
const tasks: Readonly<Record<string, Code>> = {
  'proj.add': (x: number, y = 0) => x + y,
  'proj.mul': (x: number, y = 1) => x * y,
  'proj.tsum': (numbers: number[]) => numbers.reduce((a, b) => a + b, 0),
  'proj.ident': (...args: unknown[]) => [args, {}],
  'proj.errback_old': () => null,
  'proj.fail': () => {
    throw new ValueError()
  },
  'celery.accumulate': (...args: unknown[]) => args[0],
  'celery.map': ({ it }: { it: number[] }) => it,
  'celery.starmap': ({ it }: { it: number[][] }) => it.map((row) => row[0]! + row[1]!),
}

const play = (work: unknown, options: SignatureOptions = {}): World => {
  const mint = counter()
  const world = new World({ tasks, held: 'held' }, mint)
  return world.play(decompose(work as Node, [], options, { mint, nowMs }))
}

const sorted = (items: readonly unknown[]): unknown[] =>
  items.map((item) => numbered(item)).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

const messages = (world: World) => sorted(world.held.map((raw) => messageForm(JSON.parse(raw))))
const results = (world: World) =>
  sorted([...world.results.values()].map((text) => resultForm(headers(JSON.parse(text)))))

/** Where a chord was sent, Celery names its header as the child; ours is the body, with the header as its parent. */
const headers = (meta: any): any => ({
  ...meta,
  children: meta.children.map((child: any) =>
    child[1] === null && child[0][1] !== null ? child[0][1] : child,
  ),
})

const theirMessages = (file: string, name: string) =>
  sorted(captured(caseOf(file, name)).map((message) => messageForm(message as never)))
const theirResults = (file: string, name: string) =>
  sorted(
    (caseOf(file, name).redis ?? [])
      .filter(({ key }) => key.startsWith('celery-task-meta-'))
      .map(({ value }) => resultForm(JSON.parse(value as string))),
  )

type Cases = Readonly<Record<string, () => World>>

const same = (file: string, cases: Cases) =>
  it.each(Object.keys(cases))('%s', (name) => {
    const world = (cases[name] as () => World)()
    expect(messages(world)).toEqual(theirMessages(file, name))
    expect(results(world)).toEqual(theirResults(file, name))
  })

describe('callbacks and errbacks are sent as Celery sends them:', () => {
  const unknown = (args: unknown[], options: object = {}) =>
    signature('node.on_error', { args, options: held, ...options })
  same('callbacks', {
    'callback-message': () => play(add.s(1, 2), { link: link(mul.s(10).set(held)) }),
    'two-callbacks-message': () =>
      play(add.s(1, 2), { link: link(mul.s(10).set(held), add.si(7, 7).set(held)) }),
    'errback-old-message': () => play(fail.s(1), { linkError: link(onError.s().set(held)) }),
    'errback-unregistered-message': () => play(fail.s(1), { linkError: link(unknown(['extra'])) }),
    'errback-immutable-message': () =>
      play(fail.s(1), { linkError: link(unknown(['only'], { immutable: true })) }),
  })
})

describe('a canvas goes on as with Celery:', () => {
  same('canvas-progress', {
    'chain-second-message': () => play(chain(add.s(1, 2), mul.s(3).set(held), add.s(4))),
    'chain-last-message': () => play(chain(add.s(1, 2), mul.s(3).set(held))),
    'chain-results': () => play(chain(add.s(1, 2), mul.s(3), add.s(4))),
    'chain-failure': () => play(chain(add.s(1, 2), fail.s(), add.s(4), mul.s(2))),
    'chain-immutable-second-message': () => play(chain(add.s(1, 2), mul.si(3, 4).set(held))),
    'chain-to-group-messages': () => play(chain(add.s(1, 2), group(mul.s(3).set(held), mul.s(4).set(held)))),
    'chain-to-chord-messages': () =>
      play(chain(add.s(1, 2), group(mul.s(3).set(held), mul.s(4).set(held)), tsum.s())),
    'chord-one-of-three-done': () =>
      play(chord([add.s(1, 1), add.s(2, 2).set(held), add.s(3, 3).set(held)], tsum.s())),
    'chord-done-body-held': () => play(chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], tsum.s().set(held))),
    'chord-header-failure': () =>
      play(chord([add.s(1, 1), fail.s(2), add.s(3, 3)], tsum.s().linkError(onError.s().set(held)))),
    'chord-body-failure': () => play(chord([add.s(1, 1)], fail.s())),
    'chord-nested-chord': () =>
      play(chord([chord([add.s(1, 1), add.s(2, 2)], tsum.s()), add.s(3, 3)], tsum.s().set(held))),
    'chord-ignore-result-header': () =>
      play(chord([add.s(1, 1).set({ ignoreResult: true }), add.s(2, 2)], tsum.s().set(held))),
    'map-result': () => play(xmap(add.s(), [1, 2, 3])),
    'starmap-result': () =>
      play(
        xstarmap(add.s(), [
          [1, 2],
          [3, 4],
        ]),
      ),
  })
})

const stored = (world: World, id: string | undefined): any => {
  const text = world.results.get(id ?? '')
  return text === undefined ? undefined : JSON.parse(text)
}

const plan = (work: unknown, options: SignatureOptions = {}, mint = counter()) =>
  decompose(work as Node, [], options, { mint, nowMs })

/** Plays a canvas; the end of it, and that no chord is left open. */
const endOf = (work: unknown, choose?: (count: number) => number) => {
  const mint = counter()
  const sent = plan(work, {}, mint)
  const world = new World({ tasks, ...(choose !== undefined && { choose }) }, mint).play(sent)
  expect([...world.chords.keys()], 'chords that never end').toEqual([])
  return { world, result: sent.result, end: stored(world, sent.result.id) }
}

const chordError = (what: string) => ({
  status: 'FAILURE',
  result: {
    exc_type: 'ChordError',
    exc_message: [expect.stringContaining(what)],
    exc_module: 'celery.exceptions',
  },
})

describe('where Celery leaves somebody waiting, we do not:', () => {
  it('a chord in a chain whose header fails tells the last step too, and every step of the body', () => {
    const { world, result, end } = endOf(chain(add.s(1, 2), chord([fail.s(), add.s(2)], tsum.s()), add.s(9)))
    expect(end).toMatchObject(chordError("raised ValueError('boom', 42)"))
    expect(stored(world, result.parent?.id)).toMatchObject(chordError("raised ValueError('boom', 42)"))
  })

  it.each([0, 1, 2])('a chord that fails inside a header fails the chord around it (order %i)', (order) => {
    const choose = (count: number) => Math.min(order, count - 1)
    const inner = chord([fail.s(1), add.s(1, 1)], tsum.s())
    const { end } = endOf(chord([inner, add.s(3, 3)], tsum.s()), choose)
    expect(end).toMatchObject(chordError('raised ChordError'))
  })

  it('through three chords', () => {
    const innermost = chord([add.s(1, 1), fail.s()], tsum.s())
    const { end } = endOf(chord([chord([innermost, add.s(1, 1)], tsum.s()), add.s(1, 1)], tsum.s()))
    expect(end).toMatchObject(chordError('raised ChordError'))
  })

  it('a step that fails before a chord within a header is a failed part of the outer one', () => {
    const member = chain(fail.s(1), chord([add.s(1), add.s(2)], tsum.s()))
    const { end, world, result } = endOf(chord([member, add.s(3, 3)], tsum.s()))
    expect(end).toMatchObject(chordError("raised ValueError('boom', 42)"))
    // Whoever waits for a part of what never ran hears of it.
    const header = result.parent as any
    for (const part of [
      header.results[0],
      header.results[0].parent.results[0],
      header.results[0].parent.results[1],
    ])
      expect(stored(world, part.id)).toMatchObject({ status: 'FAILURE', result: { exc_type: 'ValueError' } })
  })

  it('a body that is a group: each member is told, each with its own errback', () => {
    const body = group(
      tsum.s().linkError(onError.s('a')),
      chain(tsum.s(), add.s(1)).linkError(onError.s('b')),
    )
    const { world, result } = endOf(chord([fail.s(1), add.s(1, 1)], body as any))
    const members = (result as any).results as { id: string }[]
    for (const { id } of members) expect(stored(world, id)).toMatchObject(chordError('raised ValueError'))
    expect(world.ran).toHaveLength(4)
  })

  it('a chord whose header task nobody knows', () => {
    const { end } = endOf(chord([signature('node.unknown'), add.s(1, 1)], tsum.s()))
    expect(end).toMatchObject(chordError('no task node.unknown'))
  })

  it('a step behind that cannot be read does not hide the failure', () => {
    const message = { ...messageOf(fail.s(1)) }
    const broken = {
      task: 'x',
      args: 1,
      kwargs: {},
      options: {},
      subtask_type: 'chord',
      immutable: false,
    } as never
    const embed = { ...message.embed, chain: [broken] }
    const { steps } = followFailure({ ...message, embed }, failureOf(new Error('boom')), contextOf())
    expect(steps).toMatchObject([{ do: 'store', state: 'FAILURE' }, { do: 'end' }])
  })
})

const messageOf = (work: unknown, options: SignatureOptions = {}): Message =>
  read(rawsOf(plan(work, options))[0] as string)

describe('a canvas that a Python client sent runs here:', () => {
  /** All that its tasks gave. */
  const valuesOf = (name: string): readonly unknown[] => {
    const item = caseOf('canvas', name)
    const raws = captured(item).map((envelope) => JSON.stringify(envelope))
    const opened = raws.map(read).flatMap(({ groupId, embed: { chord } }) => {
      const size = (item.redis ?? []).find(({ key }) => key === `celery-taskset-meta-${groupId}.s`)?.value
      const bodyId = chord === null ? '' : bodyIdOf(fromJSON(chord))
      return chord === null || groupId === null ? [] : [{ groupId, bodyId, size: Number(size) }]
    })
    const world = new World({ tasks }).playSent(raws, opened)
    expect([...world.chords.keys()], 'open chords').toEqual([])
    return [...world.results.values()].map((text) => {
      const { status, result } = JSON.parse(text)
      expect(status).toBe('SUCCESS')
      return result
    })
  }

  it.each([
    ['chain-3', 13],
    ['chain-immutable', 12],
    ['chain-of-one', 3],
    ['chain-task-group', 12],
    ['chain-task-group-task', 21],
    ['chain-group-task', 6],
    ['chain-task-group-task-task', 30],
    ['group-nested', 6],
    ['group-of-chains', 4],
    ['chord', 12],
    ['chord-body-chain', 60],
    ['chord-body-group', 6],
    ['chord-header-of-chains', 10],
    ['chord-nested-in-header', 12],
    // In JavaScript, [2] + 1 is '21'.
    ['chord-nested-in-body', '02122'],
    ['chord-empty-header', 0],
    ['chord-in-chain', 18],
    ['chord-single', 2],
  ])('%s gives %o', (name, value) => {
    expect(valuesOf(name)).toContain(value)
  })

  it('chord-header-chain-ending-in-group: its members report one by one, as Celery counted them', () => {
    const parts = valuesOf('chord-header-chain-ending-in-group').find((value) => Array.isArray(value))
    expect((parts as any)[0][0]).toEqual(expect.arrayContaining([4, 5, 8]))
  })
})

describe('the errbacks of a failed chord', () => {
  it('are those of the body, also when the body was made the first step of a chain', () => {
    const errback = onError.s().set(held)
    const body = tsum.s().linkError(errback)
    const world = play(chain(group(add.s(1, 1), fail.s(2)), body, mul.s(10)))
    expect(world.held).toHaveLength(1)
    const [message] = world.held.map(read)
    expect(message?.args).toHaveLength(1)
    expect(message?.headers['lovage_error']).toMatchObject({ exc_type: 'ChordError', id: message?.args[0] })
  })

  it('of a chain body stand on the whole', () => {
    const world = play(chord([fail.s(2)], chain(tsum.s(), mul.s(10)).linkError(onError.s().set(held))))
    expect(world.held).toHaveLength(1)
  })

  it('are not those of its header', () => {
    const world = play(chord([fail.s(2).linkError(onError.s('header').set(held)), add.s(1, 1)], tsum.s()))
    expect(world.held.map(read)).toMatchObject([{ args: [expect.anything(), 'header'] }])
  })
})

describe('the body of a chord whose own place stands on its page', () => {
  const outer = tsum.s().set({ taskId: 'outer' })
  const body = add.s().set({ taskId: 'inner', groupId: 'out', groupIndex: 4, chord: outer }) as Node
  const reference = { ...tsum.s().set({ taskId: 'inner' }) } as Node
  const message = (chorded: Node): Message => {
    const place = { taskId: 'last', groupId: 'in', groupIndex: 0, chord: chorded }
    return messagesOf(decompose(add.s(1), [], place, { mint: counter(), nowMs }))[0] as Message
  }
  const members = ['[1, "last", "FAILURE", {"exc_type": "TypeError", "exc_message": ["boom"]}]']
  const ends = (chorded: Node) =>
    followJoins(
      message(chorded),
      [{ groupId: 'in', bodyId: 'inner', members, body }],
      { kind: 'ack' },
      contextOf({ queue: 'mine' }),
    )

  it('fails, and a message of its own tells the chord further out', () => {
    const plan = ends(reference)
    expect(stepsOf(plan, 'report')).toEqual([])
    const [told] = outgoingOf(plan)
    expect(told).toMatchObject({ task: 'lovage.news', groupId: 'out', groupIndex: 4, queue: 'mine' })
    const [news] = messagesOf(plan) as [Message]
    expect(seatsAround(news)).toMatchObject([{ groupId: 'out', bodyId: 'outer', taskId: 'inner', index: 4 }])
    const said = newsIn(news)
    expect('told' in said && said.told.state).toBe('FAILURE')
    const [part] = stepsOf(followTold(news, (said as { told: Told }).told), 'report')
    expect(part?.part).toEqual(stepsOf(ends(body), 'report')[0]?.part)
  })

  it('tells it itself where its messages name it, too', () => {
    expect(outgoingOf(ends(body))).toEqual([])
    expect(stepsOf(ends(body), 'report')).toHaveLength(1)
  })
})

describe('a message that fails', () => {
  it('tells its errback the error in a header, and calls it with the failed id', () => {
    const message = messageOf(fail.s(1), { linkError: link(onError.s('own')) })
    const plan = followFailure(message, failureOf(new ValueError('boom')), contextOf())
    const [errback] = messagesOf(plan)
    expect(errback).toMatchObject({
      task: 'proj.errback_old',
      args: [message.id, 'own'],
      parentId: message.id,
      rootId: message.rootId,
    })
    const told = { id: message.id, task: 'proj.fail', exc_type: 'ValueError', exc_message: ['boom', 42] }
    expect(errback?.headers['lovage_error']).toMatchObject(told)
  })

  it('has its own result first, so that the store can tell whether the run counts', () => {
    const message = messageOf(chain(fail.s(1), add.s(1)))
    const { steps } = followFailure(message, failureOf(new Error('x')), contextOf())
    expect(steps[0]).toMatchObject({ do: 'store', taskId: message.id })
  })

  it('stores nothing when results are ignored, unless errors are kept', () => {
    const message = messageOf(fail.s(1))
    const ignored = { ignoreResult: true }
    const states = (more: object) =>
      stepsOf(followFailure(message, failureOf(new Error('x')), contextOf(more)), 'store').map(
        ({ state }) => state,
      )
    expect(states(ignored)).toEqual([])
    expect(states({ ...ignored, storeErrorsEvenIfIgnored: true })).toEqual(['FAILURE'])
  })

  it('that is revoked calls no errback, marks what is behind, and reports to its chord', () => {
    const header = chord([chain(add.s(1, 1), add.s(1)), add.s(2, 2)], tsum.s())
    const message = messageOf(header, { linkError: link(onError.s()) })
    const plan = followFailure(message, revokedBy('expired'), contextOf())
    expect(stepsOf(plan, 'publish')).toEqual([])
    expect(stepsOf(plan, 'store').map(({ state }) => state)).toEqual(['REVOKED', 'REVOKED'])
    expect(stepsOf(plan, 'report')[0]?.part.member).toContain('"REVOKED", {"exc_type": "TaskRevokedError"')
  })
})

describe('a message that succeeds', () => {
  it("reports to its chord in Python's bytes", () => {
    const key = caseOf('canvas-progress', 'chord-one-of-three-done').redis?.find(({ key: name }) =>
      name.endsWith('.j'),
    )
    const [[theirs]] = (key as { value: unknown }).value as [[string, number]]
    const message = messageOf(chord([add.s(1, 1)], tsum.s()))
    const [{ part }] = stepsOf(followSuccess(message, 2, contextOf()), 'report') as [any]
    expect(part.member).toBe(theirs.replace(/[0-9a-f-]{36}/, message.id))
    expect(part).toMatchObject({ taskId: message.id, groupId: message.groupId, index: 0 })
    const text = stepsOf(followSuccess(message, 'grün', contextOf()), 'report')[0]?.part.member
    expect(text).toContain('"gr\\u00fcn"')
  })

  it('names the same body as its opening, whatever the body is', () => {
    const bodies = [
      tsum.s(),
      chain(tsum.s(), add.s(1)),
      chord([add.s(1)], tsum.s()),
      group(tsum.s(), tsum.s()),
      chain(tsum.s(), group(add.s(1), add.s(2))),
    ]
    for (const body of bodies) {
      const sent = plan(chord([add.s(1, 1)], body as any))
      const [opened] = stepsOf(sent, 'open-chord')
      const [message] = messagesOf(sent) as [Message]
      const [reported] = stepsOf(followSuccess(message, 2, contextOf()), 'report')
      expect(reported?.part.bodyId).toBe(opened?.chord.bodyId)
      expect(seatsAround(message)[0]).toMatchObject({
        bodyId: opened?.chord.bodyId,
        groupId: opened?.chord.groupId,
      })
    }
  })

  it('carries the rest of a chain as it came', () => {
    const message = messageOf(chain(add.s(1, 1), add.s(1), add.s(2)))
    const strange = message.embed.chain?.map((json) => ({ ...json, unknown_key: { deep: [1] } })) as never
    const { steps } = followSuccess(
      { ...message, embed: { ...message.embed, chain: strange } },
      2,
      contextOf(),
    )
    const [next] = outgoingOf({ steps })
    // The very same objects: a long chain is not read and written anew at each of its steps.
    expect(next?.embed.chain?.[0]).toBe((strange as unknown[])[0])
    expect(next?.embed.chain).toHaveLength(1)
  })

  it('with several callbacks sends groups one by one and the others together', () => {
    const callbacks = link(mul.s(1), group(mul.s(2), mul.s(3)), mul.s(4))
    const sent = outgoingOf(followSuccess(messageOf(add.s(1, 1), { link: callbacks }), 2, contextOf()))
    const groups = sent.map(({ groupId }) => groupId)
    expect(sent.map(({ args }) => args[1])).toEqual(expect.arrayContaining([1, 2, 3, 4]))
    expect(new Set(groups).size).toBe(2)
  })

  it('cannot with a value that cannot travel', () => {
    expect(() => followSuccess(messageOf(add.s(1, 1)), () => 1, contextOf())).toThrow(/result of proj.add/)
  })

  it('with ignored results still goes on and still reports', () => {
    const message = messageOf(chord([chain(add.s(1, 1), add.s(1))], tsum.s()))
    const ignored = followSuccess(message, 2, contextOf({ ignoreResult: true }))
    expect(ignored.steps.map((step) => step.do)).toEqual(['publish', 'end'])
  })
})

describe('a retry', () => {
  it('is the message that Celery sends', () => {
    const sent = messageOf(signature('proj.flaky', { args: [7], kwargs: { k: 1 } }), {
      link: link(add.s(1)),
      linkError: link(onError.s()),
      expires: 3600,
      priority: 3,
      shadow: 'nice',
      headers: { 'x-trace': 'abc' },
      timeLimit: 60,
    })
    const retry = new Retry({ error: new KeyError('nope'), countdown: 30, queue: 'held' }, 'Retry in 30s')
    const plan = followRetry(sent, retry, contextOf())
    const theirs = captured(caseOf('results', 'retry')).map((message) => messageForm(message as never))
    expect(numbered(envelopesOf(plan).map(messageForm))).toEqual(numbered(theirs))
    const [again] = outgoingOf(plan)
    expect(again).toMatchObject({
      eta: { ms: nowMs + 30_000 },
      expires: { ms: nowMs + 3_600_000 },
      hold: false,
    })
  })

  it('is held by the server only in its own queue', () => {
    const hold = (options: object) =>
      outgoingOf(followRetry(messageOf(add.s(1, 1)), new Retry(options, ''), contextOf()))[0]?.hold
    expect([hold({}), hold({ queue: 'celery' }), hold({ queue: 'other' })]).toEqual([true, true, false])
  })

  it('keeps its place in chain and chord, what nobody knows, and what is not changed', () => {
    const message = messageOf(chord([chain(add.s(1, 1), add.s(5)), chain(add.s(1, 1))], tsum.s()))
    const other = { ...message, embed: { ...message.embed, other: { future: 1 } } }
    const [again] = outgoingOf(followRetry(other, new Retry({ args: [9] }, ''), contextOf()))
    expect(again).toMatchObject({
      id: message.id,
      args: [9],
      retries: 1,
      parentId: message.id,
      embed: other.embed,
    })
  })

  it('that was asked for without an error stores null', () => {
    const plan = followRetry(messageOf(add.s(1, 1)), new Retry({ countdown: 1 }, 'Retry in 1s'), contextOf())
    expect(stepsOf(plan, 'store')).toMatchObject([{ state: 'RETRY', result: 'null' }])
  })
})

class KeyError extends Error {
  override readonly name = 'KeyError'
}
