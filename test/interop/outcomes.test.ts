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
  app.task('js.after', async function (this: TaskContext, value: number, parts: number) {
    await until(async () => (await client.zcard(`celery-taskset-meta-${this.request.groupId}.j`)) >= parts, {
      timeout: 90_000,
    })
    return value
  })
  // More places than there are tasks that wait for others.
  const worker = await celery.worker({ redisUrl: redis.url, args: ['-P', 'threads', '-c', '150'] })
  const running = app.worker({ concurrency: 150 })
  await running.start()
  afterAll(async () => {
    await app.close()
    client.disconnect()
    await worker.stop()
    await redis.stop()
  })

  const played = outcomes.filter(({ gives }) => gives !== undefined)
  const ids = played.flatMap(({ revoked }) => (revoked === undefined ? [] : [revoked]))
  await app.control.revoke(ids, { reply: true })

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
