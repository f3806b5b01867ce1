import { describe, expect, it } from 'vitest'
import { ImproperlyConfigured } from '../../src/errors.js'
import { silentLogger } from '../../src/log.js'
import { openRedis } from '../../src/redis/carrier.js'
import { parseAddress } from '../../src/redis/url.js'

const parse = (url: string) => parseAddress('broker', url)

describe('a URL of Redis', () => {
  it.each([
    [
      'redis://',
      { host: 'localhost', port: 6379, database: 0, password: null, tls: null },
      'redis://localhost:6379/0',
    ],
    ['redis://localhost', { host: 'localhost', port: 6379, database: 0 }, 'redis://localhost:6379/0'],
    ['redis://h:1234/7', { host: 'h', port: 1234, database: 7 }, 'redis://h:1234/7'],
    ['redis://:p%40ss@h/1', { username: null, password: 'p@ss', database: 1 }, 'redis://:**@h:6379/1'],
    ['redis://me:secret@h', { username: 'me', password: 'secret' }, 'redis://me:**@h:6379/0'],
    ['redis://[::1]:1/2', { host: '::1', port: 1, database: 2 }, 'redis://[::1]:1/2'],
    [
      'redis+socket:///tmp/r.sock',
      { path: '/tmp/r.sock', database: 0 },
      'redis+socket:///tmp/r.sock?virtual_host=0',
    ],
    [
      'redis+socket:///tmp/r.sock?virtual_host=3',
      { database: 3 },
      'redis+socket:///tmp/r.sock?virtual_host=3',
    ],
    ['rediss://h', { tls: { rejectUnauthorized: true } }, 'rediss://h:6379/0'],
    ['rediss://h/?ssl_cert_reqs=CERT_NONE', { tls: { rejectUnauthorized: false } }, 'rediss://h:6379/0'],
  ])('%s is understood', (url, expected, masked) => {
    expect(parse(url)).toMatchObject({ ...expected, masked })
  })

  it.each([
    ['localhost:6379', /it has no scheme/],
    ['http://h', /the scheme "http" is none of Redis/],
    ['redis://h/abc', /the database must be a number, not "abc"/],
    ['redis://h:99999', /it is no URL/],
    ['redis://h/?colour=blue', /the option "colour" is unknown here/],
    ['redis+socket://', /it names no socket/],
    ['rediss://h?ssl_cert_reqs=maybe', /ssl_cert_reqs must be/],
    ['rediss://h?ssl_ca_certs=/no/such/file', /ssl_ca_certs cannot be read/],
  ])('%s is refused with a sentence', (url, sentence) => {
    expect(() => parse(url)).toThrow(ImproperlyConfigured)
    expect(() => parse(url)).toThrow(sentence)
    expect(() => parse(url)).toThrow(/Expected redis:\/\/\[user:password@\]host/)
  })

  it('never shows its password', () => {
    for (const url of ['redis://me:secret@h/x', 'redis://me:secret@h:99999', 'https://me:secret@h'])
      expect(() => parse(url)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('secret') }),
      )
  })
})

describe('two URLs', () => {
  const open = (brokerUrl: string, backendUrl: string) =>
    openRedis({
      brokerUrl,
      backendUrl,
      globalKeyPrefix: '',
      resultKeyPrefix: '',
      timeout: 1,
      log: silentLogger,
    })

  it('may name two databases of one server', () => {
    expect(open('redis://localhost/0', 'redis://127.0.0.1/5').backend.url).toBe('redis://127.0.0.1:6379/5')
  })

  it('must not name two servers yet', () => {
    expect(() => open('redis://:geheim@a', 'redis://b')).toThrow(
      'Results on another server than messages: not yet. broker is redis://:**@a:6379/0, backend is redis://b:6379/0. Use the same server, perhaps another database of it.',
    )
  })
})
