// Events between the languages: Celery's tools see our worker as one of theirs, and we see their workers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, type App, type EventStream, type OwnEvent } from 'lovage'
import { makeProject } from '../cli/project.js'
import { startCelery, type CeleryWorker } from '../support/celery.js'
import { type CeleryInstall, findCelery, pythonEnv } from '../support/celery-install.js'
import { leaks } from '../support/leaks.js'
import { type Running, start } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const celery = await startCelery()
const isOld = celery.gaps.length > 0

describe.skipIf(celery.missing)('events', () => {
  let redis: TestRedis
  let install: CeleryInstall
  let app: App
  let python: CeleryWorker
  let stream: EventStream<'*'>
  const heard: OwnEvent[] = []

  const told = (id: string, end: RegExp): Promise<OwnEvent[]> =>
    until(() => {
      const mine = heard.filter(({ uuid }) => uuid === id)
      return mine.some(({ type }) => end.test(type)) ? mine : undefined
    })

  beforeAll(async () => {
    redis = await startRedis({ own: true })
    install = await findCelery()
    app = createApp('events', { broker: redis.url, taskDefaultQueue: 'js' })
    app.task('js.add', (x: number, y: number) => x + y)
    app.task('js.fail', () => {
      throw new TypeError('boom')
    })
    app.task('js.again', function () {
      if (this.request.retries === 0) throw this.retry({ countdown: 0, error: new TypeError('again') })
    })
    app.task('js.tell', async function () {
      await this.sendEvent('task-progress', { percent: 50 })
    })
    python = await celery.worker({ redisUrl: redis.url })
    stream = await app.events('*').ready()
    void (async () => {
      for await (const event of stream) heard.push(event)
    })()
    await app.worker({ hostname: 'node@test', taskEvents: true }).start()
  })
  afterAll(async () => {
    await python?.stop()
    await app?.close()
    await redis?.stop()
  })

  it('Celery’s receiver folds ours into the states of its own', async () => {
    const seen = await celery.python<Record<string, any>>(
      `
      sent = {}
      state = app.events.State()
      ends = {'task-succeeded', 'task-failed', 'task-revoked'}
      ended = set()
      with app.connection_for_read() as connection:
          def on_event(event):
              state.event(event)
              # Ours is heard, so that nothing of what is sent now is missed.
              if not sent and event['type'] == 'worker-heartbeat' and event['hostname'] == 'node@test':
                  for name in ('js.add', 'js.fail', 'js.again', 'js.tell', 'js.nosuch'):
                      args = (2, 3) if name == 'js.add' else ()
                      sent[app.send_task(name, args, queue='js').id] = name
                  expired = app.send_task('js.add', (0, 0), queue='js', expires=-1)
                  sent[expired.id] = 'expired'
              if event['type'] in ends and event['uuid'] in sent:
                  ended.add(event['uuid'])
              receiver.should_stop = len(ended) == 6
          receiver = app.events.Receiver(connection, handlers={'*': on_event})
          receiver.capture(limit=None, timeout=25, wakeup=True)
      worker = state.workers['node@test']
      give({
        'worker': [worker.alive, worker.sw_ident],
        'types': sorted(state.task_types()),
        **{name: [getattr(state.tasks[id], field) for field in
                   ('state', 'name', 'args', 'kwargs', 'retries', 'result', 'exception')]
           + [state.tasks[id].worker.hostname] for id, name in sent.items()},
      })
      `,
      { redisUrl: redis.url, timeout: 40_000 },
    )
    const ours = 'node@test'
    expect(seen).toEqual({
      worker: [true, 'lovage'],
      types: ['js.add', 'js.again', 'js.fail', 'js.tell'],
      'js.add': ['SUCCESS', 'js.add', '(2, 3)', '{}', 0, '5', null, ours],
      'js.fail': ['FAILURE', 'js.fail', '()', '{}', 0, null, "TypeError('boom')", ours],
      'js.again': ['SUCCESS', 'js.again', '()', '{}', 1, 'None', "TypeError('again')", ours],
      'js.tell': ['SUCCESS', 'js.tell', '()', '{}', 0, 'None', null, ours],
      'js.nosuch': ['FAILURE', null, null, null, null, null, "NotRegistered('js.nosuch')", ours],
      expired: ['REVOKED', null, null, null, null, null, null, ours],
    })
  })

  it('a Python worker is switched on from here, heard, and switched off', async () => {
    const { hostname } = python
    const to = { destination: hostname, reply: true, timeout: 20 } as const
    expect(await app.control.enableEvents(to)).toEqual([{ [hostname]: { ok: 'task events enabled' } }])
    const good = await app.sendTask('proj.add', [2, 3], { queue: 'python' })
    const events = await told(good.id, /succeeded/)
    expect(events.map(({ type }) => type)).toEqual(['task-received', 'task-started', 'task-succeeded'])
    expect(events[0]).toMatchObject({ hostname, name: 'proj.add', args: '(2, 3)' })
    expect(events[2]).toMatchObject({ result: '5', runtime: expect.any(Number) })
    const bad = await app.sendTask('proj.fail', [], { queue: 'python' })
    expect((await told(bad.id, /failed/)).at(-1)).toMatchObject({ exception: "ValueError('boom', 42)" })
    const flaky = await app.sendTask('proj.flaky', [1], { queue: 'python' })
    expect((await told(flaky.id, /succeeded/)).map(({ type }) => type)).toContain('task-retried')
    const late = await app.sendTask('proj.add', [1, 1], { queue: 'python', expires: -1 })
    expect((await told(late.id, /revoked/)).at(-1)).toMatchObject({ expired: true })
    expect(await app.control.disableEvents(to)).toEqual([{ [hostname]: { ok: 'task events disabled' } }])
    await app.control.enableEvents(to)
  })

  it.skipIf(isOld)('celery events --dump and lovage events --dump print the same', async () => {
    const project = makeProject({})
    const dump = ['events', '--dump']
    const theirs = start(install.python, ['-m', 'celery', '-b', redis.url, ...dump], {
      cwd: '/tmp',
      env: pythonEnv(install.path, '/tmp'),
    })
    const ours = project.start(['-b', redis.url, ...dump])
    // Both of them listen when they have heard of both workers.
    const both: readonly Running[] = [theirs, ours]
    for (const one of both)
      for (const name of ['node@test', python.hostname]) await one.line(new RegExp(`^${name} .* heartbeat: `))
    const ids: string[] = []
    for (const [name, args] of [
      ['js.add', [2, 3]],
      ['js.fail', []],
      ['js.tell', []],
      ['js.again', []],
    ] as const) {
      const result = await app.sendTask(name, args)
      await result.get({ timeout: 20, propagate: false })
      ids.push(result.id)
    }
    const result = await app.sendTask('proj.add', [2, 3], { queue: 'python' })
    await result.get({ timeout: 20 })
    ids.push(result.id)
    const lines = (one: Running): string[] =>
      one
        .stdout()
        .split('\n')
        .filter((line) => ids.some((id) => line.includes(id)))
        .map((line) => line.replace(/local_received=[\d.]+/, 'local_received=…'))
    const isWhole = (one: Running) =>
      lines(one).filter((line) => /task (succeeded|failed)/.test(line)).length === ids.length
    for (const one of both) await until(() => isWhole(one), { message: one.output })
    expect(lines(ours).sort()).toEqual(lines(theirs).sort())
    expect(await ours.stop('SIGINT')).toMatchObject({ code: 0 })
    await theirs.stop()
  })

  it('leaves nothing behind', async () => {
    await app.close()
    await python.stop()
    expect(await leaks(redis.url)).toEqual([])
  })
})
