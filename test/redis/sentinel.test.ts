// A Redis behind sentinels: whoever is the master now is found, and found again when another is promoted, by the worker
// and its leases, by beat, by publishers and by those who wait.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { OperationalError } from '../../src/errors.js'
import { type App, chain, chord, createApp, group } from '../../src/index.js'
import { createLogger, silentLogger } from '../../src/log.js'
import { mark, planted } from '../support/planted.js'
import { masterName, startSentinel, type TestSentinel } from '../support/sentinel.js'
import { until } from '../support/until.js'

const secret = planted('sentinel')

const patient = { timeout: 60_000 }
const wait = { timeout: 60 }
/** The replica has it: what was confirmed so is not lost by a failover. */
const durable = { durability: { replicas: 1, timeout: 20 } }

const apps: App[] = []
afterEach(async () => void (await Promise.all(apps.splice(0).map((app) => app.close()))))

const open = (broker: string, settings: object = {}) => {
  const lines: string[] = []
  const app = createApp('proj', { broker, workerLease: 2, ...settings })
  apps.push(app)
  const starts: number[] = []
  const nap = app.task('nap', async (value: number, ms: number) => {
    starts.push(value)
    await new Promise((resolve) => setTimeout(resolve, ms))
    return value
  })
  const add = app.task('add', (a: number, b: number) => a + b)
  const sum = app.task('sum', (values: readonly number[]) => values.reduce((a, b) => a + b, 0))
  const ticks: number[] = []
  const tick = app.task('tick', () => void ticks.push(Date.now()))
  const log = createLogger({ level: 'INFO', write: (line) => void lines.push(line) })
  const work = () => app.worker({ concurrency: 8, log }).start()
  /** What its operator was told of the connection, without the time and the reason. */
  const told = () =>
    lines
      .filter((line) => /Cannot reach|does not take|refuse|again/.test(line))
      .map((line) => line.replace(/^\[[^:]+:\d+:[^:]+: (\w+)\/\w+\] /, '$1 ').replace(/ \(.*?\)\./, '.'))
  return { app, nap, add, sum, tick, ticks, starts, work, told, lines }
}

/** Whom nobody vouches for is no sentinel, and no Redis, whoever tells where it is. */
const expectVerified = async (sentinel: TestSentinel): Promise<void> => {
  const { port } = await sentinel.master()
  const answer = `*2\r\n$9\r\n127.0.0.1\r\n$${String(port).length}\r\n${port}\r\n`
  const plain = createServer((socket) => socket.once('data', () => socket.write(answer))).listen(
    0,
    '127.0.0.1',
  )
  await once(plain, 'listening')
  const told = async (places: string, ssl: boolean): Promise<unknown> => {
    const { nap } = open(`rediss+sentinel://${places}/1?master=${masterName}`, {
      brokerTransportOptions: { sentinelKwargs: { ssl } },
      brokerConnectionTimeout: 0.5,
    })
    return nap.delay(1, 1).catch(String)
  }
  const [theirs, its] = await Promise.all([
    told(sentinel.places, true),
    told(`127.0.0.1:${(plain.address() as { port: number }).port}`, false),
  ])
  plain.close()
  expect(theirs).toMatch(
    /^OperationalError: .*no sentinel tells where "mymaster" is: .*self.signed certificate/,
  )
  expect(its).toMatch(
    /^OperationalError: .*Cannot reach Redis at rediss\+sentinel:.* \(self.signed certificate\)/,
  )
}

describe('a master', () => {
  const killed = (pid: number) => process.kill(pid, 'SIGKILL')
  const frozen = (pid: number) => process.kill(pid, 'SIGSTOP')

  it.each([
    ['killed', killed],
    ['frozen', frozen],
  ])(
    'that is %s is replaced: what was confirmed ends, the worker says it once, publishers hear in time',
    async (_, harm) => {
      const sentinel = await startSentinel({ password: secret })
      // Whoever can wait for so long gets over it; the hasty one is told.
      const { app, nap, add, sum, tick, ticks, work, told, lines } = open(sentinel.url, {
        brokerConnectionTimeout: 60,
      })
      const hasty = open(sentinel.url, { brokerConnectionTimeout: 0.5 })
      app.beat.every('tick', 0.1, tick.si())
      await app.beat.start({ log: silentLogger })
      await work()

      const sent = Array.from({ length: 200 }, (_, value) => nap.applyAsync([value, 20], durable))
      const results = await Promise.all(sent)
      const chained = await chain(nap.s(0, 20), add.s(1), add.s(2), add.s(3)).applyAsync([], durable)
      const parts = Array.from({ length: 40 }, (_, value) => nap.s(value, 40))
      const joined = await chord(group(...parts), sum.s()).applyAsync([], durable)
      const waiting = joined.get(wait)
      await until(async () => (await results[60]!.state()) === 'SUCCESS', patient)
      const old = await sentinel.master()
      harm(old.pid as number)

      // Who comes so late that another one is there has nothing to complain of.
      const refusal = await hasty.nap.delay(1, 1).catch((error: unknown) => error)
      if ((await sentinel.master()) === old) {
        expect(refusal).toBeInstanceOf(OperationalError)
        expect(String(refusal)).toContain('Cannot reach Redis at sentinel://:**@127.0.0.1:1,')
      }
      const meanwhile = await Promise.all(Array.from({ length: 20 }, (_, value) => nap.delay(value, 1)))

      await until(async () => (await sentinel.master()) !== old, patient)
      const promoted = await sentinel.master()
      const values = await Promise.all(results.map((result) => result.get(wait)))
      expect(values).toEqual(values.map((_, index) => index))
      expect(await chained.get(wait)).toBe(6)
      expect(await waiting).toBe(780)
      for (const [index, one] of meanwhile.entries()) expect(await one.get(wait)).toBe(index)
      const many = ticks.length
      await until(() => ticks.length > many + 3, patient)

      const shown = sentinel.url.replace(secret, '**')
      expect(told().slice(-2)).toEqual([
        `ERROR Cannot reach Redis at ${shown}. Is it running there, and is the URL right?`,
        `INFO Connected to ${shown} again. The master is 127.0.0.1:${promoted.port} now.`,
      ])
      // Once for each time that it was away.
      expect(told().map((line) => line.slice(0, 4))).toEqual(
        told().map((_, index) => (index % 2 ? 'INFO' : 'ERRO')),
      )
      expect(lines.join('\n')).not.toContain(mark)
    },
  )

  it('that hands over is left at once, although it takes commands for seconds: what it took then would be lost; over TLS', async () => {
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) =>
      fileURLToPath(new URL(`./tls/${name}`, import.meta.url)),
    ) as [string, string]
    const sentinel = await startSentinel({ tls: { cert, key } })
    // As kombu writes it, and results in another database.
    const places = sentinel.places.split(',').map((place) => `rediss+sentinel://${place}`)
    const trusted = `ssl_ca_certs=${encodeURIComponent(cert)}`
    const { nap, work, told } = open(places.map((place) => `${place}/1?${trusted}`).join(';'), {
      brokerTransportOptions: { master_name: masterName },
      resultBackend: places.map((place) => `${place}/2?${trusted}`).join(';'),
      resultBackendTransportOptions: { master_name: masterName },
      brokerConnectionTimeout: 60,
    })
    await expectVerified(sentinel)
    await work()
    const send = (options: object) =>
      Promise.all(Array.from({ length: 100 }, (_, value) => nap.applyAsync([value, 20], options)))
    const before = await send(durable)
    await sentinel.handOver()
    const { port } = await sentinel.master()
    await until(() => told().some((line) => line.endsWith(`The master is 127.0.0.1:${port} now.`)), patient)
    const after = await send({})
    for (const results of [before, after]) {
      const values = await Promise.all(results.map((result) => result.get(wait)))
      expect(values).toEqual(values.map((_, index) => index))
    }
  })
})

describe('sentinels', () => {
  const failing = async (url: string) => {
    const { app, nap } = open(url, { brokerConnectionTimeout: 0.3 })
    const calls = [nap.delay(1, 1), app.result('one').get(), app.worker({ log: silentLogger }).start()]
    const outcomes = await Promise.allSettled(calls)
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected')
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(OperationalError)
    }
    return outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason))
  }

  it('of whom none is there: each call says so in bounded time', async () => {
    for (const text of await failing('sentinel://127.0.0.1:1,127.0.0.1:2/0?master=m'))
      expect(text).toMatch(
        /Cannot reach Redis at sentinel:\/\/127\.0\.0\.1:1,127\.0\.0\.1:2\/0\?master=m \(no sentinel tells where "m" is: 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1; 127\.0\.0\.1:2: /,
      )
  })

  it('who know nothing of this name, or want a password, are told from those who are not there', async () => {
    const sentinel = await startSentinel()
    const at = sentinel.url.replace(masterName, 'nobody')
    for (const text of await failing(at)) expect(text).toContain('it knows none of this name')
    const { app } = open(sentinel.url, {
      brokerTransportOptions: { sentinelKwargs: { password: secret } },
      brokerConnectionTimeout: 10,
    })
    const asked = app.result('one').state()
    await expect(asked).rejects.toThrow(/without any password configured|WRONGPASS/)
    await expect(asked).rejects.not.toThrow(mark)
  })
})
