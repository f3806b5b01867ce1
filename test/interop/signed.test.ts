// Messages signed by certificate, between Python and Node: each side runs what the other signed, in every way in
// which it is sent, and neither runs what nobody signed, what somebody else signed, or what was changed on its way.
import { Redis } from 'ioredis'
import { chain, chord, createApp, group, type SettingsInput, signature, type TaskContext } from 'lovage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CeleryWorker, startCelery } from '../support/celery.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeIdentities } from './certificates.js'
import { declarePython } from './python-tasks.js'

const celery = await startCelery()
/** What is compared here is 5.6. */
const unlike = celery.missing || celery.gaps.length > 0
const wait = { timeout: 20 }

describe.skipIf(unlike)(`signed messages, with Python Celery ${celery.version}`, async () => {
  if (unlike) return
  const redis = await startRedis()
  // Results of a second pair of workers, whose messages are here.
  const far = await startRedis({ own: true })
  const client = new Redis(redis.url)
  const { files, trusted } = await makeIdentities(celery, redis.url, ['node', 'python', 'stranger'])
  const store = trusted('node', 'python')

  const python = (who: 'python' | 'stranger') => ({
    redisUrl: redis.url,
    conf: {
      task_serializer: 'auth',
      accept_content: ['auth'],
      result_accept_content: ['json'],
      security_key: files(who).key,
      security_certificate: files(who).certificate,
      security_cert_store: store,
    },
  })
  const node = (who: 'node' | 'stranger'): SettingsInput => ({
    taskSerializer: 'auth',
    acceptContent: ['auth'],
    securityKey: files(who).key,
    securityCertificate: files(who).certificate,
    securityCertStore: store,
  })
  const open = (settings: SettingsInput) =>
    createApp('signed', { broker: redis.url, taskDefaultQueue: 'js', ...settings })

  const app = open(node('node'))
  const add = app.task('js.add', (x: number, y: number) => x + y)
  const sum = app.task('js.sum', (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0))
  const py = declarePython(app)
  let celeryWorker: CeleryWorker
  const worker = app.worker()
  const split = createApp('split', {
    broker: redis.database(1),
    resultBackend: far.url,
    taskDefaultQueue: 'js',
    ...node('node'),
  })
  const splitAdd = split.task('js.add', (x: number, y: number) => x + y)
  const splitSum = split.task('js.sum', (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0))
  const splitPy = declarePython(split)
  let splitCelery: CeleryWorker
  const nobody = signature('proj.nobody', { options: { queue: 'python' } })
  const becomes = [app, split].map((each) =>
    each.task('js.becomes', function (this: TaskContext, work: any): unknown {
      return this.replace(signature.from(work))
    }),
  )
  /** What Python says nothing of takes some seconds to be found out: it is sent at once, and looked at in the end. */
  let silent: Promise<readonly (readonly [name: string, value: unknown])[]>
  const sendSilent = () => {
    const ours = { add, sum, py }
    const theirs = { add: splitAdd, sum: splitSum, py: splitPy }
    const canvases = [ours, theirs].flatMap(({ add: js, sum: total, py: python }, index) => {
      const server = ['one server', 'two servers'][index]
      const become: any = becomes[index]
      const past = new Date('2020-01-01')
      const header: Record<string, readonly any[]> = {
        'a part that nobody knows': [js.s(1, 1), nobody],
        'a step that nobody knows': [js.s(1, 1), chain(js.s(1, 1), nobody)],
        'a step that has expired': [js.s(1, 1), chain(python.add.s(1, 1).set({ expires: past }), js.s(1))],
        'all ours, replaced by a Python task': [js.s(1, 1), become.s(python.add.s(2, 2))],
        'all ours, replaced by a task that nobody knows': [js.s(1, 1), become.s(nobody)],
      }
      return Object.entries(header).map(([name, parts]) => [
        `${server}: ${name}`,
        (index === 0 ? app : split).result(chord(parts as any, total.s()).delay().id),
      ])
    })
    silent = Promise.all(
      (canvases as [string, any][]).map(
        async ([name, result]) => [name, await result.get({ timeout: 60 }).catch(String)] as const,
      ),
    )
  }
  /** What is sent by hands that must not be obeyed. */
  const unsigned = open({})
  const stranger = open(node('stranger'))

  beforeAll(async () => {
    const program = new URL('../support/python/signed.py', import.meta.url).pathname
    const apart = { ...python('python'), redisUrl: redis.database(1), resultUrl: far.url }
    ;[celeryWorker, splitCelery] = await Promise.all([
      celery.worker({ ...python('python'), program }),
      celery.worker({ ...apart, program, args: ['-P', 'threads', '-c', '2'] }),
    ])
    await Promise.all([worker.start(), split.worker().start()])
    sendSilent()
  })
  afterAll(async () => {
    await worker.stop()
    await Promise.all([app, split, unsigned, stranger].map((each) => each.close()))
    await Promise.all([celeryWorker.stop(), splitCelery.stop()])
    client.disconnect()
    await Promise.all([redis.stop(), far.stop()])
  })

  it('Python runs what we signed: a call, a chain that comes back, a chord of both', async () => {
    expect(await py.add.delay(2, 3).get(wait)).toBe(5)
    expect(await py.add.applyAsync([2, 3], { compression: 'zlib' }).get(wait)).toBe(5)
    expect(await py.echo.delay('\u0000\u0001 ü 😀').get(wait)).toBe('\u0000\u0001 ü 😀')
    expect(await chain(py.add.s(1, 2), add.s(3), py.mul.s(10)).delay().get(wait)).toBe(60)
    const both = chord([py.add.s(1, 1), add.s(2, 2)], py.tsum.s())
    expect(await both.delay().get(wait)).toBe(6)
    const home = chord([py.add.s(1, 1), add.s(2, 2)], sum.s())
    expect(await home.delay().get(wait)).toBe(6)
  })

  it('we run what Python signed: a call, a chain that comes back, a chord of both', async () => {
    const given = await celery.python(
      `
      app.setup_security()
      js = lambda name, *args: signature(name, args, app=app, queue="js")
      give([
          js("js.add", 2, 3).delay().get(timeout=20),
          js("js.add", 2, 3).apply_async(compression="zlib").get(timeout=20),
          chain(js("js.add", 1, 2), add.s(3), js("js.add", 4)).delay().get(timeout=20),
          chord([js("js.add", 1, 1), add.s(2, 2)], js("js.sum")).delay().get(timeout=20),
      ])
    `,
      python('python'),
    )
    expect(given).toEqual([5, 5, 10, 6])
  })

  it('chords of both on two servers: those that we send, whose parts Python tells where the results are', async () => {
    const both = () => [splitPy.add.s(1, 1), splitAdd.s(2, 2)] as const
    const sent = {
      'joined by either': chord(both(), splitSum.s()),
      'in the middle of a chain': chain(
        splitAdd.s(1, 1),
        group([splitPy.add.s(1), splitAdd.s(2)]),
        splitPy.tsum.s(),
      ),
      'in a header': chord([chord(both(), splitPy.tsum.s()), splitAdd.s(5, 5)], splitSum.s()),
      'of chains': chord(
        [chain(splitAdd.s(1, 1), splitPy.add.s(1)), chain(splitPy.add.s(2, 2), splitAdd.s(1))],
        splitPy.tsum.s(),
      ),
    }
    const given = Object.entries(sent).map(async ([name, canvas]) => [
      name,
      await (canvas as any).delay().get(wait),
    ])
    expect(Object.fromEntries(await Promise.all(given))).toEqual({
      'joined by either': 6,
      'in the middle of a chain': 7,
      'in a header': 16,
      'of chains': 8,
    })
    await expect(
      chord([splitPy.fail.s(), splitAdd.s(2, 2)], splitSum.s())
        .delay()
        .get(wait),
    ).rejects.toThrow('ValueError')
  })

  it('Python refuses what we did not sign, and what somebody it does not trust has signed', async () => {
    const bare = await unsigned.sendTask('proj.record', ['bare'], { queue: 'python' })
    await celeryWorker.line(/ContentDisallowed/)
    const strange = await stranger.sendTask('proj.record', ['strange'], { queue: 'python' })
    await celeryWorker.line(/SecurityError/)
    expect(await py.record.delay('signed').get(wait)).toBe('signed')
    expect((await client.lrange('proj:record', 0, -1)).map((text) => JSON.parse(text).args)).toEqual([
      ['signed'],
    ])
    expect(await Promise.all([bare.state(), strange.state()])).toEqual(['PENDING', 'PENDING'])
  })

  it('we refuse what Python did not sign, what a stranger signed, and what was changed', async () => {
    const { dead } = await app.broker()
    const reasons = async () => (await dead.list(10)).map(({ reason }) => reason)
    const send = (setup: string) => `
      ${setup}
      signature("js.add", [20, 30], app=app, queue="js").delay()
      give(None)
    `
    await celery.python(send(''), { redisUrl: redis.url })
    await until(async () => (await reasons()).length === 1)
    await celery.python(send('app.setup_security()'), python('stranger'))
    await until(async () => (await reasons()).length === 2)

    // A message of Python's that lies in another queue, with one digit of its arguments changed.
    await celery.python(send('app.setup_security()').replace('queue="js"', 'queue="aside"'), python('python'))
    const envelope = JSON.parse((await client.rpop('aside')) as string) as { body: string }
    const inner = Buffer.from(Buffer.from(envelope.body, 'base64').toString('latin1'), 'base64')
    const at = inner.indexOf('[[20, 30]')
    expect(at).toBeGreaterThan(0)
    inner.write('90', at + 2)
    const body = Buffer.from(inner.toString('base64')).toString('base64')
    await client.lpush('js', JSON.stringify({ ...envelope, body }))
    await until(async () => (await reasons()).length === 3)

    expect(await reasons()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^SecurityError: .*without a signature/),
        expect.stringMatching(/^SecurityError: Nobody here trusts .*stranger/),
        expect.stringMatching(/^SecurityError: The signature of .*python.* is wrong/),
      ]),
    )
    expect(await add.delay(1, 2).get(wait)).toBe(3)
  })

  it('a chord hears of what Python says nothing of: the notes beside it are signed, too', async () => {
    const wrong = (error: string) => expect.stringMatching(new RegExp(`^ChordError: .*${error}`))
    const given = {
      'a part that nobody knows': wrong('NotRegistered'),
      'a step that nobody knows': wrong('NotRegistered'),
      'a step that has expired': wrong('TaskRevokedError'),
      'all ours, replaced by a Python task': 6,
      'all ours, replaced by a task that nobody knows': wrong('NotRegistered'),
    }
    const all = ['one server', 'two servers'].flatMap((server) =>
      Object.entries(given).map(([name, value]) => [`${server}: ${name}`, value]),
    )
    expect(Object.fromEntries(await silent)).toEqual(Object.fromEntries(all))
  })
})
