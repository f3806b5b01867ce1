// Workers of both languages, and all that can happen: a table of outcomes, each played. All of them are started at
// once, since those in which Celery says nothing take some seconds to be found out.
import { Redis } from 'ioredis'
import { chain, chord, group, signature, type TaskContext } from 'lovage'
import { afterAll, describe, expect, it } from 'vitest'
import { startCelery } from '../support/celery.js'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeNodeApp } from './node-app.js'
import { declarePython } from './python-tasks.js'
import { type Outcome, outcomes, type Work } from './outcomes.js'

const celery = await startCelery()
/** What is compared here is 5.6. */
const unlike = celery.missing || celery.gaps.length > 0

/** Long ago. */
const past = '2020-01-01T00:00:00+00:00'
/** Seconds: for a machine with nothing else at work all of it is seen in twenty. */
const timeout = 90

const build = (work: Work): any => {
  if ('chain' in work) return chain(...(work.chain.map(build) as [any, any]))
  if ('group' in work) return group(work.group.map(build))
  if ('chord' in work) return chord(work.chord.map(build), build(work.body))
  const { task, args, queue, immutable = false, id, expires } = work
  const options = {
    queue,
    ...(id !== undefined && { taskId: id }),
    ...(expires && { expires: new Date(past) }),
  }
  return signature(task, { args, options, immutable })
}

const python = (played: readonly Outcome[]): string => `
  from celery import chain, chord, group, signature
  past = ${JSON.stringify(past)}

  def build(work):
      if 'chain' in work:
          return chain(*map(build, work['chain']))
      if 'group' in work:
          return group(list(map(build, work['group'])))
      if 'chord' in work:
          return chord(list(map(build, work['chord'])), build(work['body']))
      options = {'queue': work['queue']}
      if 'id' in work:
          options['task_id'] = work['id']
      if 'expires' in work:
          options['expires'] = past
      return signature(work['task'], args=work['args'], immutable=work.get('immutable', False), options=options)

  def send(case):
      work = build(case['work'])
      if 'chord' in case['work']:
          work.link_error(signature('js.record', args=[case['key']], queue='js'))
      result = work.delay()
      # Without its parents, whose errors get() would raise first.
      return app.AsyncResult(result.id) if 'chord' in case['work'] else result

  def gives(result):
      try:
          return {'value': result.get(timeout=${timeout})}
      except BaseException as error:
          return {'error': type(error).__name__ + ' ' + str(error)}

  started = [(case['key'], send(case)) for case in json.loads(${JSON.stringify(JSON.stringify(played.map(({ key, work }) => ({ key, work }))))})]
  give({key: gives(result) for key, result in started})
`

type Given = { readonly value?: unknown; readonly error?: string }

describe.skipIf(unlike)(`What can happen between Node and Celery ${celery.version}`, async () => {
  if (unlike) return
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const { app, js, recorded } = makeNodeApp(redis.url)
  // More places than there are tasks that wait for others.
  // And messages on another server than results, where Python tells the parts of chords.
  const far = await startRedis({ own: true })
  const split = makeNodeApp(far.url, { resultBackend: redis.url })
  const after = async function (this: TaskContext, value: number, parts: number) {
    await until(async () => (await client.zcard(`celery-taskset-meta-${this.request.groupId}.j`)) >= parts, {
      timeout: 90_000,
    })
    return value
  }
  for (const each of [app, split.app]) each.task('js.after', after)
  const threads = (many: string) => ({ args: ['-P', 'threads', '-c', many] })
  const [worker, elsewhere] = await Promise.all([
    celery.worker({ redisUrl: redis.url, ...threads('150') }),
    celery.worker({ redisUrl: far.url, resultUrl: redis.url, ...threads('10') }),
  ])
  const running = app.worker({ concurrency: 150 })
  await running.start()
  await split.app.worker().start()
  afterAll(async () => {
    await Promise.all([app.close(), split.app.close()])
    client.disconnect()
    await Promise.all([worker.stop(), elsewhere.stop()])
    await Promise.all([redis.stop(), far.stop()])
  })

  const played = outcomes.filter(({ gives }) => gives !== undefined)
  const ids = played.flatMap(({ revoked }) => (revoked === undefined ? [] : [revoked]))
  // Both workers on this broker know it before anything is sent.
  await app.control.revoke(ids, { reply: true, limit: 2, timeout: 30 })

  const play = async ({ key, work }: Outcome): Promise<Given> => {
    const whole = 'chord' in work ? build(work).linkError(js.record.s(key)) : build(work)
    const result = await app.send(whole)
    // Without its parents, whose errors get() would raise first.
    const alone = 'chord' in work ? app.result(result.id) : result
    return alone.get({ timeout }).then(
      (value: unknown) => ({ value }),
      (error: any) => ({ error: `${error.excType ?? error.name} ${error.message}` }),
    )
  }
  const fromPython = celery.python<Record<string, Given>>(
    python(played.filter(({ starts }) => starts === 'Python')),
    { redisUrl: redis.url, timeout: 240_000 },
  )
  const given = new Map(
    played.map((outcome) => [
      outcome.key,
      outcome.starts === 'Node' ? play(outcome) : fromPython.then((all) => all[outcome.key]),
    ]),
  )

  for (const { shape, happens, starts, last, gives, fails, told, key, work } of played)
    it(`${shape} · ${happens} · ${starts} starts · ${last} runs the last part`, {
      timeout: 300_000,
    }, async () => {
      const { value, error } = (await given.get(key)) as Given
      if (!fails) return expect([error, value]).toEqual([undefined, gives])
      for (const word of String(gives).split(' ')) expect(error).toMatch(new RegExp(word))
      if (!('chord' in work)) return
      await js.recall.delay(key, told).get({ timeout })
      expect(recorded.get(key)).toHaveLength(told)
    })

  describe('on two servers', () => {
    const py = declarePython(split.app)
    const of = split.js
    const grow = (value: number) => signature('proj.grow', { args: [value], options: { queue: 'python' } })
    /** All of a chord is ours, until a part of it says otherwise. */
    const becomes = split.app.task('js.becomes', function (this: TaskContext, work: any): unknown {
      return this.replace(signature.from(work))
    })
    const invites = split.app.task('js.invites', function (this: TaskContext, work: any) {
      this.addToChord(signature.from(work))
      return 1
    })
    const nobody = signature('proj.nobody', { options: { queue: 'python' } })
    const ours = [of.add.s(1, 1), of.add.s(2, 2)]
    const header: Record<string, readonly any[]> = {
      'parts of both': [of.add.s(1, 1), py.add.s(2, 2), py.add.s(3, 3)],
      'chains of both': [chain(of.add.s(1, 1), py.add.s(1)), chain(py.add.s(2, 2), of.add.s(1), py.add.s(1))],
      'a chord in the header': [chord([py.add.s(1, 1), of.add.s(2, 2)], py.tsum.s()), py.add.s(3, 3)],
      'a part that fails': [of.add.s(1, 1), py.fail.s()],
      'a chord in the header that fails, and whose body is a chord': [
        chord([of.add.s(1, 1), py.fail.s()], chord([of.sum.s()], py.echo.s())),
        py.add.s(3, 3),
      ],
      'a part that nobody knows': [of.add.s(1, 1), nobody],
      'a part that adds to its chord': [of.add.s(1, 1), grow(5)],
      'all ours, replaced by a Python task': [...ours, becomes.s(py.add.s(3, 3))],
      'all ours, replaced by one that adds to its chord': [...ours, becomes.s(grow(5))],
      'all ours, replaced by a chord that ends in Python': [
        ...ours,
        becomes.s(chord([of.add.s(3, 3), of.add.s(4, 4)], py.tsum.s())),
      ],
      'all ours, replaced by a task that nobody knows': [...ours, becomes.s(nobody)],
      'all ours, one of which adds a Python task': [...ours, invites.s(py.add.s(3, 3))],
      'all ours, one of which adds a task that nobody knows': [...ours, invites.s(nobody)],
    }
    const gives: Record<string, unknown> = {
      'parts of both': 12,
      'chains of both': 9,
      'a chord in the header': 12,
      'a part that fails': 'ValueError',
      'a chord in the header that fails, and whose body is a chord': 'ValueError',
      'a part that nobody knows': 'NotRegistered',
      'a part that adds to its chord': 57,
      'all ours, replaced by a Python task': 12,
      'all ours, replaced by one that adds to its chord': 61,
      'all ours, replaced by a chord that ends in Python': 20,
      'all ours, replaced by a task that nobody knows': 'NotRegistered',
      'all ours, one of which adds a Python task': 13,
      'all ours, one of which adds a task that nobody knows': 'NotRegistered',
    }
    /** Bodies of ours leave all of a chord to us, as long as its header does. */
    const bodyOf = (name: string) => (name.startsWith('all ours') ? of.sum.s() : py.tsum.s())
    const joined = new Map(
      Object.entries(header).map(([name, parts]) => [
        name,
        split.app
          .result(chord(parts as any, bodyOf(name)).delay().id)
          .get({ timeout })
          .catch(String),
      ]),
    )
    for (const [name, wanted] of Object.entries(gives))
      it(name, { timeout: 300_000 }, async () => {
        const value = await joined.get(name)
        if (typeof wanted === 'number') expect(value).toBe(wanted)
        else expect(value).toContain(wanted)
      })

    // Chords that Python opens stand on the server of the results.
    const theirs: Record<string, readonly [canvas: string, gives: unknown]> = {
      'parts of both': ['chord([js("add", 1, 1), py("add", 2, 2), js("add", 3, 3)], py("tsum"))', 12],
      'the last part in Node': ['chord([js("after", 1, 1), py("add", 2, 2)], js("sum"))', 5],
      'the last part in Python': ['chord([js("add", 1, 1), py("after", 2, 1)], js("sum"))', 4],
      'a chord in the header': [
        'chord([chord([js("add", 1, 1), py("add", 2, 2)], js("sum")), js("add", 5, 5)], py("tsum"))',
        16,
      ],
      'chains of both': [
        'chord([chain(js("add", 1, 1), py("add", 1)), chain(py("add", 2, 2), js("add", 1))], js("sum"))',
        8,
      ],
      'a part in Node that adds to its chord': ['chord([js("grow", 1), py("add", 2, 2)], py("tsum"))', 15],
      'a part in Python that adds to its chord': ['chord([py("grow", 1), js("add", 2, 2)], js("sum"))', 15],
      'a part that fails': ['chord([js("fail", "ValueError"), py("add", 2, 2)], js("sum"))', 'ValueError'],
      'a part that nobody knows': ['chord([js("nobody"), py("add", 2, 2)], py("tsum"))', 'NotRegistered'],
      'a step that Node sends and nobody knows': [
        'chord([chain(js("add", 1, 1), py("nobody")), js("add", 5, 5)], js("sum"))',
        'NotRegistered',
      ],
    }
    const sent = celery.python<Record<string, unknown>>(
      `
      def js(name, *args):
          return signature("js." + name, args, queue="js")
      def py(name, *args):
          return signature("proj." + name, args, queue="python")
      def gives(result):
          try:
              return result.get(timeout=${timeout})
          except BaseException as error:
              return str(error)
      started = {
          ${Object.entries(theirs)
            .map(([name, [canvas]]) => `"${name}": app.AsyncResult(${canvas}.delay().id),`)
            .join(' ')}
      }
      give({name: gives(result) for name, result in started.items()})
    `,
      { redisUrl: far.url, resultUrl: redis.url, timeout: 240_000 },
    )
    for (const [name, [, wanted]] of Object.entries(theirs))
      it(`Python sends it: ${name}`, { timeout: 300_000 }, async () => {
        const value = (await sent)[name]
        if (typeof wanted === 'number') expect(value).toBe(wanted)
        else expect(value).toContain(wanted)
      })

    const middle = chain(
      py.add.s(1, 1),
      group([of.add.s(1), py.add.s(2), of.add.s(3)]),
      of.sum.s(),
      py.add.s(100),
    ).delay()
    it("a Python worker sends it, in the middle of a chain of Node's", { timeout: 300_000 }, async () => {
      expect(await middle.get({ timeout })).toBe(112)
    })

    it('nothing of theirs stays', { timeout: 300_000 }, async () => {
      await Promise.all([...joined.values(), sent, middle])
      await split.app.close()
      expect(await leaks(far.url)).toEqual([])
    })
  })

  it('nothing of ours stays', { timeout: 300_000 }, async () => {
    await Promise.allSettled(given.values())
    // What Python had yet to open when it was noted (`0 …`) stays a minute.
    const notes = async () =>
      (await Promise.all((await client.keys('lovage:errands:*')).map((key) => client.hvals(key)))).flat()
    await until(async () => (await notes()).every((note) => !note.startsWith('1 ')), { timeout: 90_000 })
    await app.close()
    expect(await leaks(redis.url)).toEqual([])
  })
})
