// Redis is not there, does not answer, or does not want us: every call ends in bounded time with an
// OperationalError that tells where, why and what to look at, and nothing keeps the process waiting.
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.js'
import { silentLogger } from '../../src/log.js'
import { mark, planted } from '../support/planted.js'
import { startRedis } from '../support/redis.js'

const timeout = 0.3
/** What a call may take beyond its timeout, on a machine that others use as well: it is bounded, and no more is said. */
const graceMs = 15_000

const opened: App[] = []
const servers: { readonly server: Server; readonly sockets: Set<Socket> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()))
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

const appAt = (broker: string, seconds = timeout): App => {
  const app = createApp('proj', { broker, brokerConnectionTimeout: seconds })
  opened.push(app)
  return app
}

/** Somebody who takes connections and never says a word. */
const silentServer = async (): Promise<string> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)))
  servers.push({ server, sockets })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}/0`
}

const calls: Readonly<Record<string, (app: App) => Promise<unknown>>> = {
  'a publish': async (app) => app.sendTask('proj.add', [1, 2]),
  'a worker’s start': (app) => app.worker({ log: silentLogger }).start(),
  'a wait': (app) => app.result('one').get(),
  'a look at a result': (app) => app.result('one').state(),
  'a look at a queue': async (app) => (await app.broker()).length('celery'),
}

const failing = async (
  call: (app: App) => Promise<unknown>,
  url: string,
  seconds = timeout,
): Promise<string> => {
  const startedAt = performance.now()
  const error = await call(appAt(url, seconds)).then(
    () => new Error('It did not fail.'),
    (thrown: Error) => thrown,
  )
  expect(performance.now() - startedAt).toBeLessThan(seconds * 1000 + graceMs)
  return `${error.name}: ${error.message}`
}

describe.each(Object.entries(calls))('%s', (_, call) => {
  it('where nobody listens', async () => {
    expect(await failing(call, `redis://:${planted('nobody')}@127.0.0.1:1/0`)).toMatch(
      /^OperationalError: .*Cannot reach Redis at redis:\/\/:\*\*@127\.0\.0\.1:1\/0 \(connect ECONNREFUSED 127\.0\.0\.1:1\)\. Is it running there, and is the URL right\?$/,
    )
  })

  it('where somebody listens and never answers', async () => {
    expect(await failing(call, await silentServer())).toMatch(
      /^OperationalError: .*Cannot reach Redis at redis:\/\/127/,
    )
  })
})

describe('a Redis that wants a password', () => {
  it('is told apart from one that is not there', async () => {
    const secret = planted('away')
    const server = await startRedis({ own: true, args: ['--requirepass', secret] })
    const wrong = server.as('', planted('wrong'))
    // Each is tried to the end of its time, so all are at once.
    const said = await Promise.all(Object.values(calls).map((call) => failing(call, wrong, 10)))
    for (const words of said)
      expect(words).toMatch(
        /^OperationalError: .*refuses us \(.*\)\. Check user and password in the URL, and the user's ACL\.$/,
      )
    expect(said.join('\n')).not.toContain(mark)
    const app = appAt(server.as('', secret))
    await app.sendTask('proj.add', [1, 2])
    expect(await (await app.broker()).length('celery')).toBe(1)
    await server.stop()
  })
})
