// Which tasks are noted when a canvas goes to workers that are not ours, and what the news of their ends say.
import { describe, expect, it } from 'vitest'
import { chain, chord, group, signature } from '../../src/index.js'
import { fromJSON } from '../../src/canvas/wire.js'
import { decompose } from '../../src/runtime/decompose.js'
import { Errands } from '../../src/runtime/errand.js'
import { followTold } from '../../src/runtime/follow-told.js'
import { type Means, prepare } from '../../src/runtime/prepare.js'
import { newsFor, newsIn, newsOf } from '../../src/runtime/news.js'
import { metaText } from '../../src/runtime/meta.js'
import type { Message } from '../../src/runtime/message.js'
import type { Errand } from '../../src/runtime/publication.js'

const isOurs = (task: string): boolean => task.startsWith('js.')
const js = (id: string): any => signature('js.add', { options: { taskId: id } })
const py = (id: string): any => signature('proj.add', { options: { taskId: id } })

const noted = (canvas: any): readonly Errand[] => {
  let minted = 0
  const origin = { mint: () => `minted-${++minted}`, nowMs: 7, isOurs }
  const errands = new Errands(isOurs, 7)
  for (const step of decompose(canvas, [], {}, origin).steps)
    if (step.do === 'publish') errands.note(step.message)
  return errands.all ?? []
}
const placesOf = (canvas: any) =>
  noted(canvas).map(({ id, part, index, bodyId }) => [id, part, index, bodyId])

describe('noted are', () => {
  it('those behind a message that is sent alone, too', async () => {
    const address = { exchange: '', routingKey: 'q', priority: 0 }
    const route: Means['router']['route'] = (message) => ({ message, address, queue: 'q', isFanout: false })
    const means = { router: { route, runsHere: isOurs }, broker: { now: () => 7 }, compression: undefined }
    const canvas: any = chain(py('first'), chord([py('a'), js('b')], js('body')) as any)
    const { steps } = decompose(canvas, [], {}, { mint: () => 'minted', nowMs: 7, isOurs })
    expect(steps).toHaveLength(1)
    const { errands } = await prepare(steps, means as unknown as Means, 7)
    expect(errands?.map(({ id, groupId }) => [id, typeof groupId])).toEqual([['a', 'string']])
  })

  it('the header tasks that run elsewhere, and none of ours', () => {
    expect(placesOf(chord([js('a'), py('b'), js('c')], js('body')))).toEqual([['b', 'b', 1, 'body']])
    expect(placesOf(chord([js('a'), js('b')], py('body')))).toEqual([])
  })

  it('chords that they take part in, each where a task of theirs reports itself', () => {
    const mixed = (canvas: any): readonly string[] => {
      const errands = new Errands(isOurs, 7)
      let minted = 0
      const mint = () => `minted-${++minted}`
      for (const step of decompose(canvas, [], {}, { mint, nowMs: 7, isOurs }).steps)
        if (step.do === 'publish') errands.note(step.message)
      return errands.mixed.map(({ bodyId }) => bodyId).sort()
    }
    expect(mixed(chord([js('a'), js('b')], py('body')))).toEqual([])
    expect(mixed(chord([js('a'), py('b')], js('body')))).toEqual(['body'])
    // Our body of a chord of theirs is noted, since they may give it up; it is ours to report.
    expect(mixed(chord([chord([py('a'), js('b')], js('inner')), js('c')], js('body')))).toEqual(['inner'])
    expect(mixed(chord([chord([py('a'), js('b')], py('inner')), js('c')], js('body')))).toEqual([
      'body',
      'inner',
    ])
    expect(mixed(chord([py('a\nb'), js('c')], js('body')))).toEqual(['body'])
  })

  it('in a header chain all steps until the work comes back to ours', () => {
    expect(placesOf(chord([chain(py('a'), py('b'), js('c'), py('d')), js('e')], js('body')))).toEqual([
      ['a', 'd', 0, 'body'],
      ['b', 'd', 0, 'body'],
    ])
    expect(placesOf(chord([chain(js('a'), py('b')), js('e')], js('body')))).toEqual([])
  })

  it('what Python sends of a chord in a header, and its body: told by whoever reports last', () => {
    const inner = chord([py('a'), js('b')], js('inner'))
    expect(placesOf(chord([inner, js('c')], js('body')))).toEqual([
      ['a', 'a', 0, 'inner'],
      ['inner', 'inner', 0, 'body'],
    ])
    const behind = chain(py('first'), chord([py('a'), js('b')], py('inner')))
    expect(placesOf(chord([behind, js('c')], js('body')))).toEqual([
      ['first', 'inner', 0, 'body'],
      ['a', 'a', 0, 'inner'],
      ['inner', 'inner', 0, 'body'],
    ])
  })

  it('of a body that is a chord what Celery stores where it never comes: the whole, with its end behind it', () => {
    const inner = chord([py('a'), js('b')], chord([js('c')], py('end')))
    const [first, ...more] = noted(chord([inner, js('d')], js('body')))
    expect(first).toMatchObject({ id: 'a', part: 'a' })
    expect(more.map(({ part, index, bodyId }) => [part, index, bodyId])).toEqual([
      ['end', 0, 'body'],
      ['c', 0, 'end'],
    ])
    const [whole] = more as [Errand]
    const meta = metaText({ taskId: whole.id, state: 'FAILURE', result: '{}', nowMs: 0 })
    const { id, groupId, embed } = newsOf({ ...whole, meta })
    expect([id, groupId, embed.chord]).toEqual([whole.id, null, null])
    expect(embed.chain).toMatchObject([
      { options: { task_id: 'end', chord: { options: { task_id: 'body' } } } },
    ])
  })

  it('nothing where no chord waits', () => {
    expect(placesOf(chain(py('a'), js('b')))).toEqual([])
    expect(placesOf(group(py('a'), py('b')))).toEqual([])
  })

  it('with one text for members that are alike', () => {
    const header = Array.from({ length: 50 }, (_, index) => py(`m${index}`))
    const errands = noted(chord(header, js('body')))
    expect(errands).toHaveLength(50)
    expect(new Set(errands.map(({ text }) => text)).size).toBe(1)
  })

  it('no ids that would be mistaken for something else in a note', () => {
    const header = [py('#a'), py('b\nc'), py('d'), py('\ud800')]
    expect(placesOf(chord(header, js('body'))).map(([id]) => id)).toEqual(['d'])
  })
})

describe('the news of an errand', () => {
  const canvas = chord([chain(py('a'), py('b').linkError(js('tell')), js('c')), py('d')], js('body'))
  const newsAbout = (id: string, exc_type: string, state = 'FAILURE') => {
    const errand = noted(canvas).find((each) => each.id === id) as Errand
    const result = JSON.stringify({ exc_type, exc_message: ['proj.add'], exc_module: 'celery.exceptions' })
    return newsOf({ ...errand, meta: metaText({ taskId: id, state, result, nowMs: 0 }) })
  }

  it('stand where the task stood', () => {
    const { id, embed, groupIndex } = newsAbout('d', 'NotRegistered')
    expect([id, groupIndex, embed.chord?.options['task_id'], embed.chain]).toEqual(['d', 1, 'body', null])
  })

  it('carry what waits behind the step that ended', () => {
    const { id, embed } = newsAbout('b', 'TaskRevokedError', 'REVOKED')
    expect([id, embed.chain?.map(({ options }) => options['task_id'])]).toEqual(['b', ['c']])
    expect(embed.errbacks?.map(({ options }) => options['task_id'])).toEqual(['tell'])
  })

  it('say how it ended; errbacks are for what nobody there knew', () => {
    const said = (...about: Parameters<typeof newsAbout>) => newsIn(newsAbout(...about) as unknown as Message)
    expect(said('b', 'NotRegistered')).toMatchObject({
      task: 'proj.add',
      failure: {
        state: 'FAILURE',
        info: { exc_type: 'NotRegistered', exc_message: ['proj.add'] },
        errbacks: true,
      },
    })
    expect(said('b', 'TaskRevokedError', 'REVOKED')).toMatchObject({
      failure: { state: 'REVOKED', errbacks: false },
    })
    expect(said('b', 'ValueError')).toMatchObject({ failure: { errbacks: false } })
  })

  it('of a body that reports further out: the chord there gets its part, and nothing else happens', () => {
    const seat = { groupId: 'g', bodyId: 'body', taskId: 'd', index: 1, body: fromJSON(js('body').toJSON()) }
    const planOf = (state: string, result: unknown) => {
      const message = newsFor(seat, { state, result }, 'proj.add', 'q') as unknown as Message
      const news = newsIn(message)
      return 'told' in news ? followTold(message, news.told).steps : []
    }
    const part = { groupId: 'g', bodyId: 'body', taskId: 'd', index: 1 }
    expect(planOf('SUCCESS', { a: [1, 2.5] })).toEqual([
      { do: 'report', part: { ...part, member: '[1, "d", "SUCCESS", {"a": [1, 2.5]}]' } },
      { do: 'end', ending: { kind: 'ack' } },
    ])
    expect(planOf('REVOKED', null)[0]).toMatchObject({ part: { member: '[1, "d", "FAILURE", null]' } })
  })
})

it('a step behind that nobody can read does not keep a task from being sent', () => {
  const errands = new Errands(isOurs, 7)
  const broken = {
    task: 'celery.chord',
    args: [],
    kwargs: {},
    options: {},
    subtask_type: 'chord',
    immutable: false,
  }
  const embed = { callbacks: null, errbacks: null, chain: [broken, broken], chord: null }
  errands.note({ task: 'proj.add', id: 'a', args: [], kwargs: {}, embed, rootId: 'a', parentId: null })
  expect(errands.all).toBeUndefined()
})
