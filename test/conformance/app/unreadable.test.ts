// What follows a message may be something that nobody can read: from a client with a fault, or from an enemy. Its task runs all
// the same, and whoever waits for what cannot follow is told.
import { expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

const task = (name: string, options: object) => ({
  task: name,
  args: [],
  kwargs: {},
  options,
  subtask_type: null,
  immutable: false,
})

const envelope = (id: string, embed: object, headers: object = {}): string =>
  JSON.stringify({
    body: Buffer.from(JSON.stringify([[1, 1], {}, embed])).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { task: 'add', id, ...headers },
    properties: { body_encoding: 'base64', delivery_info: { exchange: '', routing_key: 'celery' } },
  })

const publish = async (
  app: App,
  raws: readonly string[],
  chords: readonly { groupId: string; bodyId: string; size: number }[] = [],
) =>
  (await app.broker()).publish({ pushes: raws.map((raw) => ({ queue: 'celery', priority: 0, raw })), chords })

const outcome = (app: App, id: string): Promise<unknown> =>
  app
    .result(id)
    .get(wait)
    .catch((error: Error) => `${error.name}: ${error.message}`)

onEveryEngine('what follows and cannot be read', (bench) => {
  const start = async () => {
    const app = bench().app()
    app.task('add', (x: number, y: number) => x + y)
    app.task('list', (values: unknown) => values)
    await bench().work(app)
    return app
  }

  it.each([
    ['a queue', { queue: 1e308 }],
    ['a priority', { priority: 'abc' }],
    ['an expiry', { expires: { a: 1 } }],
    ['a callback', { link: 5 }],
    ['errbacks', { link_error: [{ a: 1 }] }],
    ['a step behind it', { chain: [task('add', { queue: 5 })] }],
    ['a chord around it', { chord: task('list', { queue: 5 }) }],
  ])('the body of a chord fails that has %s that is none', async (_, option) => {
    const app = await start()
    const chord = task('list', { task_id: 'body', ...option })
    const parts = [0, 1].map((index) =>
      envelope(`part-${index}`, { chord }, { group: 'group', group_index: index }),
    )
    await publish(app, parts, [{ groupId: 'group', bodyId: 'body', size: 2 }])
    expect(await outcome(app, 'body')).toMatch(/^ChordError: /)
    expect((await bench().look()).chords).toEqual([])
    expect(await bench().unfinished()).toEqual([])
  })

  it('in a chain: its own steps fail, and those behind it, and the chord that waits for its end', async () => {
    const app = await start()
    const chord = task('list', { task_id: 'body' })
    const last = task('add', { task_id: 'last', group_id: 'group', group_index: 0, chord })
    const odd = task('add', { task_id: 'odd', queue: 5 })
    await publish(
      app,
      [
        envelope('first', { chain: [last, odd] }),
        envelope('part', { chord }, { group: 'group', group_index: 1 }),
      ],
      [{ groupId: 'group', bodyId: 'body', size: 2 }],
    )
    expect(await outcome(app, 'first')).toBe(2)
    expect(await outcome(app, 'odd')).toMatch(/InvalidSignature/)
    expect(await outcome(app, 'last')).toMatch(/InvalidSignature/)
    expect(await outcome(app, 'body')).toMatch(/^ChordError: Dependency last raised/)
    expect(await bench().unfinished()).toEqual([])
  })

  it('a queue of a name that is a key of ours is none', async () => {
    const app = await start()
    for (const queue of ['', 'lovage:redo:celery']) {
      await publish(app, [
        envelope(`first${queue}`, { chain: [task('add', { task_id: `next${queue}`, queue })] }),
      ])
      expect(await outcome(app, `next${queue}`)).toMatch(/QueueNotFound/)
    }
    await expect(app.sendTask('add', [1, 2], { queue: 'lovage:eta:celery' })).rejects.toThrow(
      'Expected the name of a queue, got "lovage:eta:celery"',
    )
  })
})
