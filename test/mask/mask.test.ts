// What is secret is not shown, whatever it looks like and wherever it stands.
import { describe, expect, it } from 'vitest'
import { maskSecrets, maskUrl } from '../../src/mask.js'

describe('maskUrl', () => {
  it.each([
    ['redis://user:p@ss/w@host:1/0', 'redis://user:**@host:1/0'],
    ['redis://:secret@host:1/0', 'redis://:**@host:1/0'],
    ['rediss://:p?s#s@host', 'rediss://:**@host'],
    ['redis+socket://:secret@/run/redis.sock', 'redis+socket://:**@/run/redis.sock'],
    [':secret@host:6379', ':**@host:6379'],
    ['user:secret@host', 'user:**@host'],
    [
      'rediss://host?ssl_keyfile=/etc/secret.key&ssl_ca_certs=/etc/ca.pem',
      'rediss://host?ssl_keyfile=**&ssl_ca_certs=/etc/ca.pem',
    ],
    ['redis://host?password=secret', 'redis://host?password=**'],
    ['sentinel://one:1;sentinel://:secret@two:1/0', 'sentinel://one:**@two:1/0'],
    ['redis://user:secret', 'redis://user:**'],
    ['redis://user:sec/ret?x', 'redis://user:**'],
    ['redis://user:6secret', 'redis://user:**'],
    ['sentinel://one:1,two:2/0', 'sentinel://one:1,two:2/0'],
    ['redis://[::1]:6379/0', 'redis://[::1]:6379/0'],
    // Rather too much than too little.
    ['redis://host:1/0?x=a@b', 'redis://host:**@b'],
    ['redis://host:6379/0', 'redis://host:6379/0'],
    ['redis+socket:///run/redis.sock', 'redis+socket:///run/redis.sock'],
  ])('%s', (url, shown) => {
    expect(maskUrl(url)).toBe(shown)
  })
})

describe('maskSecrets', () => {
  const masked = (name: string, value: unknown) => maskSecrets(name, value, '…')

  it('goes by names, at any depth, and finds URLs under every name', () => {
    expect(masked('options', { sentinelPassword: 'x', deep: { apiToken: 1 }, port: 6379 })).toEqual({
      sentinelPassword: '…',
      deep: { apiToken: '…' },
      port: 6379,
    })
    expect(masked('failover', ['redis://:x@a', 'redis://b'])).toEqual(['redis://:…@a', 'redis://b'])
    expect(masked('queues', new Map([['secretQueue', { a: 1 }]]))).toEqual(new Map([['secretQueue', '…']]))
    expect(masked('securityHmacKey', ['a', 'b'])).toBe('…')
  })

  it('leaves the rest as it is', () => {
    const at = new Date(0)
    for (const value of [null, undefined, true, 1, 'text', at]) expect(masked('name', value)).toBe(value)
  })
})
