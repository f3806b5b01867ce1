// The ways to a server: a socket, a user with a password, TLS; each with a consumer, whose lease thread must
// find the same way.
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { silentLogger } from '../../src/log.js'
import { openRedis } from '../../src/redis/carrier.js'
import { consumerOptions } from '../support/consumer-options.js'
import { planted } from '../support/planted.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { messages, raws } from './room.js'

const directory = mkdtempSync(join(tmpdir(), 'lovage-connect-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const tlsFile = (name: string) => fileURLToPath(new URL(`./tls/${name}`, import.meta.url))

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Publishes, claims, and its lease is renewed. */
const works = async (url: string, observer: Redis): Promise<void> => {
  const { broker, backend } = openRedis({
    brokerUrl: url,
    backendUrl: url,
    globalKeyPrefix: '',
    resultKeyPrefix: '',
    timeout: 4,
    log: silentLogger,
  })
  await broker.publish(messages('a'))
  let lost = 0
  const consumer = await broker.consume(consumerOptions({ leaseMs: 4000, onLost: () => (lost += 1) }))
  expect(raws((await consumer.step(0, [], 1)).deliveries)).toEqual(['a'])
  const leaseEnd = async () => Number(await observer.zscore('lovage:consumers', consumer.id))
  const first = await leaseEnd()
  await until(async () => (await leaseEnd()) > first)
  expect(lost).toBe(0)
  expect(Math.abs(broker.now() - Date.now())).toBeLessThan(1000)
  await consumer.close()
  await broker.close()
  await backend.close()
}

/** Nothing is sent there. */
const refused = async (url: string, why: RegExp): Promise<void> => {
  const { broker } = openRedis({
    brokerUrl: url,
    backendUrl: url,
    globalKeyPrefix: '',
    resultKeyPrefix: '',
    timeout: 0.5,
    log: silentLogger,
  })
  await expect(broker.publish(messages('a'))).rejects.toThrow(why)
  await broker.close()
}

describe('a carrier and its leases find their way', () => {
  it('over a unix socket, into a database', async () => {
    const path = join(directory, 'redis.sock')
    await startRedis({ own: true, args: ['--unixsocket', path] })
    const observer = new Redis({ path, db: 3 })
    await works(`redis+socket://${path}?virtual_host=3`, observer)
    observer.disconnect()
  })

  it('with a user and a password', async () => {
    const server = await startRedis({ own: true })
    const observer = new Redis(server.url)
    const secret = `${planted('p@ss')} word`
    await observer.call('ACL', 'SETUSER', 'me', 'on', `>${secret}`, '~*', '&*', '+@all')
    await observer.call('ACL', 'SETUSER', 'default', 'off')
    await works(server.as('me', secret), observer)
    observer.disconnect()
  })

  it('through TLS', async () => {
    const port = await freePort()
    const [cert, key] = [tlsFile('cert.pem'), tlsFile('key.pem')]
    const tls = ['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key]
    await startRedis({ own: true, args: [...tls, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'] })
    const observer = new Redis({ port, tls: { rejectUnauthorized: false } })
    await works(`rediss://localhost:${port}/0?ssl_ca_certs=${encodeURIComponent(cert)}`, observer)
    observer.disconnect()
    await refused(`rediss://localhost:${port}/0`, /self.signed certificate/)
    await refused(`rediss://localhost:${port}/0?ssl_cert_reqs=optional`, /self.signed certificate/)
  })

  it('through TLS, but not to a host that shows the certificate of another', async () => {
    const port = await freePort()
    const [cert, key] = [tlsFile('cert.pem'), tlsFile('key.pem')]
    const tls = ['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key]
    const places = ['--bind', '127.0.0.1', '127.0.0.2', '--tls-auth-clients', 'no']
    await startRedis({ own: true, args: [...tls, '--tls-ca-cert-file', cert, ...places] })
    const trusted = `127.0.0.2:${port}/0?ssl_ca_certs=${encodeURIComponent(cert)}`
    await refused(`rediss://${trusted}`, /IP: 127\.0\.0\.2 is not in the cert's list/)
    // It is there, and is asked for nothing.
    const observer = new Redis({ port, tls: { rejectUnauthorized: false } })
    await works(`rediss://${trusted}&ssl_cert_reqs=none`, observer)
    observer.disconnect()
  })
})

describe('a server that is too old', () => {
  /** The same server, but its INFO tells of another version, written as long as its own. */
  const ageing = async (port: number): Promise<string> => {
    const proxy = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) socket.on('error', () => undefined)
      near.on('data', (data) => far.write(data)).on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      far.on('data', (data) => {
        const text = data.toString('latin1')
        const aged = text.replace(/(?<=redis_version:)[\d.]+/, (version) => '6.0.9'.padEnd(version.length))
        near.write(Buffer.from(aged, 'latin1'))
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => proxy.once('listening', resolve))
    afterAll(() => proxy.close())
    return `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}/0`
  }

  it('is told to clients, beats and workers alike, at once', async () => {
    const server = await startRedis({ own: true })
    // A patience that no test outlives.
    const app = createApp('old', {
      broker: await ageing(server.port),
      brokerConnectionTimeout: 600,
    })
    const tooOld = expect.objectContaining({
      name: 'ImproperlyConfigured',
      message: expect.stringMatching(
        /Redis 6\.0\.9 is too old: Lovage needs Redis 6\.2 or newer\. Upgrade the server, or use another one\./,
      ),
    })
    await expect(app.sendTask('add', [1, 2])).rejects.toEqual(tooOld)
    await expect(app.result('id').state()).rejects.toEqual(tooOld)
    await expect(app.result('id').get()).rejects.toEqual(tooOld)
    await expect(app.beat.list()).rejects.toEqual(tooOld)
    await expect(app.beat.start({ log: silentLogger })).rejects.toEqual(tooOld)
    await expect(app.worker({ log: silentLogger }).start()).rejects.toEqual(tooOld)
    await app.close()
  })
})
