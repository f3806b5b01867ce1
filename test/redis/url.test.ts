import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ImproperlyConfigured } from '../../src/errors.js'
import { silentLogger } from '../../src/log.js'
import { openRedis } from '../../src/redis/carrier.js'
import { sameServer } from '../../src/redis/address.js'
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
    ['redis://us/er:hidden@h/0', /^(?!.*hidden).*not what stands behind the first slash/],
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

describe('a URL of sentinels', () => {
  const options = { masterName: 'mymaster' }
  const one = { host: 'one', port: 26_379 }
  const two = { host: '::1', port: 5000 }

  it.each([
    ['sentinel://one?master=m', {}, [one], 'm', 0],
    ['sentinel://:p%40ss@one,[::1]:5000/3?master=m', {}, [one, two], 'm', 3],
    ['sentinel://one:26379/3;sentinel://[::1]:5000/3', options, [one, two], 'mymaster', 3],
    ['sentinel://:p%40ss@one;sentinel://[::1]:5000/1', options, [one, two], 'mymaster', 1],
    ['sentinel://one;[::1]:5000', options, [one, two], 'mymaster', 0],
    ['sentinel://one?master=mymaster', options, [one], 'mymaster', 0],
  ])('%s is understood', (url, given, places, master, database) => {
    expect(parseAddress('broker', url, given)).toMatchObject({
      sentinels: { places, master, username: null, password: null },
      password: url.includes('ss@') ? 'p@ss' : null,
      database,
    })
  })

  it('is shown in one form, from which it can be read again, without its password', () => {
    const address = parseAddress('broker', 'sentinel://me:secret@one/2;sentinel://[::1]:5000', options)
    expect(address.masked).toBe('sentinel://me:**@one:26379,[::1]:5000/2?master=mymaster')
    expect(parse(address.masked).sentinels).toEqual(address.sentinels)
  })

  it('has user and password of Redis; those of the sentinels stand beside it', () => {
    const sentinelKwargs = { username: 'watcher', password: 'theirs' }
    expect(parseAddress('broker', 'sentinel://me:mine@one', { ...options, sentinelKwargs })).toMatchObject({
      username: 'me',
      password: 'mine',
      sentinels: sentinelKwargs,
    })
  })

  it('speaks TLS to Redis and sentinels, or to one of them, and takes the certificates of both', () => {
    const tlsOf = (url: string, ssl?: boolean) => {
      const { tls, sentinels } = parseAddress('broker', url, {
        ...options,
        sentinelKwargs: ssl === undefined ? {} : { ssl },
      })
      return [tls, sentinels?.tls]
    }
    const verified = { rejectUnauthorized: true }
    expect(tlsOf('rediss+sentinel://one')).toEqual([verified, verified])
    expect(tlsOf('rediss+sentinel://one', false)).toEqual([verified, null])
    expect(tlsOf('sentinel://one', true)).toEqual([null, verified])
    expect(tlsOf('sentinel://one')).toEqual([null, null])
    const ca = fileURLToPath(new URL('./tls/cert.pem', import.meta.url))
    const kombus = `rediss+sentinel://one/1?ssl_ca_certs=${ca};rediss+sentinel://[::1]:5000/1`
    const withCa = { ...verified, ca: readFileSync(ca) }
    expect(tlsOf(kombus)).toEqual([withCa, withCa])
    const { masked } = parseAddress('broker', kombus, options)
    expect(masked).toBe('rediss+sentinel://one:26379,[::1]:5000/1?master=mymaster')
  })

  it.each([
    ['sentinel://one', {}, /it does not say which master; add \?master=name, or masterName/],
    [
      'sentinel://one?master=m',
      options,
      /it says master=m, and its transport options say masterName "mymaster"/,
    ],
    ['sentinel://one/mymaster/0?master=m', {}, /the database must be a number, not "mymaster\/0"/],
    ['sentinel://one/1;sentinel://two/2', options, /its sentinels disagree about the database/],
    [
      'sentinel://me:secret@one;sentinel://me:other@two',
      options,
      /its sentinels disagree about the password/,
    ],
    ['sentinel://one:99999', options, /"one:99999" is no place of a sentinel/],
    ['sentinel://one,', options, /"" is no place of a sentinel/],
    ['sentinel://', options, /one of its sentinels cannot be read/],
    ['sentinel://one?master=m&ssl=1', {}, /the option "ssl" is unknown here/],
    ['sentinel://one;rediss+sentinel://two', options, /its sentinels disagree about the scheme/],
    [
      'sentinel://one?ssl_cert_reqs=none',
      options,
      /it names certificates and speaks no TLS; write rediss\+sentinel/,
    ],
    ['rediss+sentinel://one?ssl_ca_certs=none.pem', options, /ssl_ca_certs cannot be read \(ENOENT/],
  ])('%s is refused with a sentence', (url, given, sentence) => {
    const read = () => parseAddress('broker', url, given)
    expect(read).toThrow(ImproperlyConfigured)
    expect(read).toThrow(sentence)
    expect(read).toThrow(
      /or sentinel:\/\/\[user:password@\]host\[:port\],host…\[\/database\]\?master=name \(with TLS rediss\+sentinel:\/\/…\)\./,
    )
    expect(read).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/secret|other/) }))
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

  it('may name the same master by different sentinels of it', () => {
    const url = 'sentinel://a,b/5?master=m'
    expect(open('sentinel://b,c?master=m', url).backend.url).toBe('sentinel://a:26379,b:26379/5?master=m')
    const at = (other: string) => sameServer(parse(url), parse(other))
    expect(at('sentinel://b,c?master=m')).toBe(true)
    expect([at('sentinel://b?master=other'), at('sentinel://c?master=m'), at('redis://b:26379')]).toEqual([
      false,
      false,
      false,
    ])
  })
})
