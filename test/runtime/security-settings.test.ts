// Settings of signed messages, each seen in its effect.
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readSettings, type SettingsInput } from '../../src/config.js'
import { signedType } from '../../src/runtime/content.js'
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
})
