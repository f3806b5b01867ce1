// Settings of signed messages, each seen in its effect.
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readSettings, type SettingsInput } from '../../src/config.js'
import { signedType } from '../../src/runtime/content.js'
import { decodeMessage } from '../../src/runtime/message.js'
import { Guards } from '../../src/runtime/security/guard.js'

const file = (name: string): URL => new URL(`../redis/tls/${name}.pem`, import.meta.url)
const plainKey = readFileSync(file('key'), 'utf8')

const guards = (settings: SettingsInput): Guards => Guards.of(readSettings(settings, {})) as Guards
const auth = (settings: SettingsInput): Guards =>
  guards({
    taskSerializer: 'auth',
    acceptContent: ['auth'],
    securityCertStore: file('cert').pathname,
    securityKey: plainKey,
    securityCertificate: readFileSync(file('cert'), 'utf8'),
    ...settings,
  })
const sealed = (of: Guards): string => of.seal(['q'], undefined)?.body?.seal('[]') as string
const opened = (of: Guards, text: string): string => of.guard('q', false, 0).open(signedType, text)

it('securityKeyPassword opens a key that is locked, and no other word does', () => {
  const locked = createPrivateKey(plainKey).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'sesame',
  }) as string
  const own = auth({ securityKey: locked, securityKeyPassword: 'sesame' })
  expect(opened(auth({}), sealed(own))).toBe('[]')
  for (const securityKeyPassword of ['oats', null])
    expect(() => auth({ securityKey: locked, securityKeyPassword })).toThrow(/^securityKey: /)
})

it('securityDigest must be the same on both sides', () => {
  const long = auth({ securityDigest: 'sha512' })
  expect(opened(long, sealed(long))).toBe('[]')
  expect(() => opened(auth({}), sealed(long))).toThrow(/is wrong/)
})

it('securityHmacMaxAge, securityHmacKey: what is older does not count, or is never too old', () => {
  const hmac = (securityHmacMaxAge: number | null): Guards =>
    guards({ taskQueues: { q: { signed: 'hmac' } }, securityHmacKey: 'k'.repeat(32), securityHmacMaxAge })
  const envelope = '{"body": "W10=", "headers": {"id": "i", "eta": null}, "properties": {}}'
  const signed = Buffer.from(hmac(1).seal(['q'], undefined)?.envelope?.(envelope, 0) as string)
  hmac(1).guard('q', false, 900).check(signed)
  expect(() => hmac(1).guard('q', false, 1100).check(signed)).toThrow(/older than 1 s/)
  hmac(null).guard('q', false, 1e12).check(signed)
  // A redelivery may be older where our own record tells that it is one.
  hmac(1).guard('q', true, 1100).check(signed)
  const shared = guards({
    taskQueues: { q: { signed: 'hmac', shared: true } },
    securityHmacKey: 'k'.repeat(32),
    securityHmacMaxAge: 1,
  })
  expect(() => shared.guard('q', true, 1100).check(signed)).toThrow(/older than 1 s/)
})

it('what nobody signed is not revived, whatever it would become', () => {
  const asked = guards({ taskQueues: { q: { signed: 'hmac' } }, securityHmacKey: 'k'.repeat(32) })
  const raw = Buffer.from(
    '{"headers": {"id": "i", "x": {"__superjson__": 7}}, "body": "W10=", "properties": {}}',
  )
  expect(decodeMessage(raw)).toMatchObject({ left: { error: { name: 'DecodeError' } } })
  expect(decodeMessage(raw, asked.guard('q', false, 0))).toMatchObject({
    left: { error: { name: 'SecurityError' }, isForged: true },
  })
})
