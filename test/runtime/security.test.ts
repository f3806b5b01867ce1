// Signed messages: Celery's `auth` byte for byte, our HMAC against everything that could be changed, and keys and
// certificates that are not what they should be.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config.js'
import { SecurityError } from '../../src/errors.js'
import { Auth } from '../../src/runtime/security/auth.js'
import { readCertificate, readStore, signerOf } from '../../src/runtime/security/certificates.js'
import { Guards } from '../../src/runtime/security/guard.js'
import { checkEnvelope, signatureHeader, signEnvelope } from '../../src/runtime/security/hmac.js'
import { Notes } from '../../src/runtime/security/notes.js'
import { casesOf, fieldOf } from '../vectors/read.js'

const pem = String(fieldOf('security', 'certificate_pem'))
const directory = mkdtempSync(join(tmpdir(), 'lovage-security-'))
writeFileSync(join(directory, 'python.pem'), pem)

describe('Celery’s serializer auth', () => {
  const certificate = readCertificate('securityCertificate', pem)

  it.each(casesOf('security').map((each) => [each.name, each] as const))('%s is read', (name, each) => {
    const digest = name.endsWith('512') ? 'sha512' : 'sha256'
    const {
      fields,
      auth_text: text,
      cert_id: id,
    } = each as unknown as {
      fields: { body: string }
      auth_text: string
      cert_id: string
    }
    expect(signerOf(certificate)).toBe(id)
    const auth = new Auth(digest, readStore(directory), undefined)
    expect(auth.open(text)).toBe(fields.body)
    const changed = Buffer.from(text, 'base64')
    changed[changed.length - 3] = 0x21
    expect(() => auth.open(changed.toString('base64'))).toThrow(/signature of NO Example Org.* is wrong/)
    expect(() => new Auth(digest, new Map(), undefined).open(text)).toThrow(/Nobody here trusts/)
    expect(() => auth.open(text.slice(0, 40))).toThrow('The signed message is not whole.')
    expect(() => auth.seal('[]')).toThrow(/there is no key/)
  })

  it('what we sign, we read', () => {
    // The certificate's own key is Python's secret: any key stands for it here, with its public half trusted.
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const trusted = { publicKey } as never
    const auth = new Auth('sha256', new Map([[signerOf(certificate), trusted]]), {
      key: privateKey,
      certificate,
    })
    const text = '[["ü\u0000\u0001"], {}, {}]'
    expect(auth.open(auth.seal(text))).toBe(text)
  })
})

describe('notes of errands', () => {
  const chord = { groupId: 'g', bodyId: 'b' }
  const errandOf = (text: string, more = {}) => ({
    ...chord,
    id: 'a',
    part: 'a',
    index: 0,
    sentMs: 0,
    text,
    ...more,
  })
  const [one, other] = ['k'.repeat(32), 'l'.repeat(32)]
  const certificate = readCertificate('securityCertificate', pem)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const own = { key: privateKey, certificate }
  const trusted = new Map([[signerOf(certificate), { publicKey } as never]])
  const text = '{"task": "ü\\n"}\n{}'

  it.each([
    [
      'by HMAC',
      new Notes([one], undefined),
      new Notes([other, one], undefined),
      new Notes([other], undefined),
    ],
    [
      'by certificate',
      new Notes([], new Auth('sha256', new Map(), own)),
      new Notes([one], new Auth('sha256', trusted, undefined)),
      new Notes([one], new Auth('sha256', new Map(), undefined)),
    ],
  ])(
    'are signed %s, and read by those who trust the signer, for their chord alone',
    (_how, writes, reads, distrusts) => {
      const [note] = writes.seal([errandOf(text)])
      expect(reads.open(note!.text, chord)).toBe(text)
      expect(distrusts.open(note!.text, chord)).toBeUndefined()
      expect(reads.open(note!.text, { ...chord, groupId: 'h' })).toBeUndefined()
      expect(reads.open(note!.text, { ...chord, bodyId: 'c' })).toBeUndefined()
      expect(reads.open(text, chord)).toBeUndefined()
      for (let i = 0; i < note!.text.length; i += 7) {
        const changed = `${note!.text.slice(0, i)}~${note!.text.slice(i + 1)}`
        expect(reads.open(changed, chord)).toBeUndefined()
      }
    },
  )

  it('that are alike have one signature, and what is signed as a message is none', () => {
    const auth = new Auth('sha256', trusted, own)
    const notes = new Notes([], auth)
    const [a, b, c] = notes.seal([
      errandOf(text),
      errandOf(text, { id: 'b' }),
      errandOf(text, { groupId: 'h' }),
    ])
    expect(a!.text).toBe(b!.text)
    expect(a!.text).not.toBe(c!.text)
    for (const body of [`[[], {}, {}]`, JSON.stringify(['g', 'b', text]), 'no JSON'])
      expect(notes.open(`auth ${auth.seal(body)}`, chord)).toBeUndefined()
  })

  it('of one who cannot sign are not written', () => {
    const auth = new Auth('sha256', trusted, undefined)
    expect(new Notes([], auth).seal([errandOf(text)])).toEqual([])
  })
})

describe('our HMAC', () => {
  const key = 'k'.repeat(32)
  const nowMs = Date.parse('2027-01-01T00:00:00Z')
  const envelope = (headers: object = {}, more: object = {}): string =>
    JSON.stringify({
      body: 'W10=',
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: { lang: 'js', id: 'i', big: 0, eta: null, ...headers },
      properties: { body_encoding: 'base64', delivery_tag: 't' },
      ...more,
    })
      .replaceAll('":', '": ')
      .replace('"big": 0', '"big": 123456789012345678901')
  const check = (raw: string, more: object = {}) =>
    checkEnvelope(Buffer.from(raw), { keys: [key], maxAge: 60, redelivered: false, nowMs, ...more })
  const signed = signEnvelope(envelope(), key, nowMs)

  it('is one header, and survives what others may do to an envelope', () => {
    expect(JSON.parse(signed).headers[signatureHeader]).toMatch(/^hmac-sha256 \d+ [\w+/=]{44}$/)
    check(signed)
    const { headers, ...rest } = JSON.parse(signed.replace('123456789012345678901', '"big"'))
    const other = JSON.stringify({ headers: { redelivered: true, ...headers }, ...rest }).replace(
      '"big":"big"',
      '"big":123456789012345678901',
    )
    check(other)
    check(signed.replace('"delivery_tag": "t"', '"delivery_tag": "u"'))
  })

  it.each([
    ['the body', 'W10=', 'W11='],
    ['a header', '"id": "i"', '"id": "j"'],
    ['the last digit of a great number', '123456789012345678901', '123456789012345678902'],
    ['the time of signing', String(nowMs), String(nowMs + 1)],
    ['the content type', 'application/json', 'application/data'],
    ['a header that was not there', '"lang": "js"', '"lang": "js", "task": "other"'],
  ])('tells when %s was changed', (_, from, to) => {
    expect(signed).toContain(from)
    expect(() => check(signed.replace(from, to))).toThrow(/signature of the message is wrong/)
  })

  it('of another key, of none, of none at all', () => {
    expect(() => check(signed, { keys: ['x'.repeat(32)] })).toThrow(/signed with another key/)
    expect(() => check(signed, { keys: [] })).toThrow(SecurityError)
    expect(() => check(envelope())).toThrow('Expected a signed message (hmac), got one without a signature.')
    check(signed, { keys: ['new'.repeat(12), key] })
  })

  it('expires, counted from the later of sending and eta, but not for redeliveries', () => {
    expect(() => check(signed, { nowMs: nowMs + 61_000 })).toThrow(/older than 60 s/)
    check(signed, { nowMs: nowMs + 61_000, redelivered: true })
    check(signed, { nowMs: nowMs + 61_000, maxAge: null })
    const late = signEnvelope(envelope({ eta: '2027-01-01T01:00:00+00:00' }), key, nowMs)
    check(late, { nowMs: nowMs + 3_650_000 })
    expect(() => check(late, { nowMs: nowMs + 3_661_000 })).toThrow(/older than 60 s/)
  })
})

describe('settings', () => {
  const guards = (settings: object) => () => Guards.of(readSettings(settings))

  it('without anything signed there is no guard', () => {
    expect(guards({})()).toBeUndefined()
  })

  it.each([
    [
      { taskQueues: { q: { signed: 'hmac' } } },
      /taskQueues.q.signed is "hmac", but there is no key: set securityHmacKey/,
    ],
    [{ taskQueues: { q: { signed: 'auth' } } }, /set securityCertStore to a directory/],
    [
      { acceptContent: ['auth'], securityCertStore: join(directory, 'none*') },
      /got none. Nobody would be trusted/,
    ],
    [{ taskSerializer: 'auth', securityCertStore: '/nowhere/certs' }, /securityCertStore/],
    [
      { taskSerializer: 'auth', securityCertStore: directory, securityKey: pem },
      /together, got only the key/,
    ],
    [
      {
        taskSerializer: 'auth',
        securityCertStore: directory,
        securityKey: 'k.pem',
        securityCertificate: pem,
      },
      /securityKey: expected a PEM file or its text/,
    ],
    [
      { taskSerializer: 'auth', securityCertStore: directory, securityKey: pem, securityCertificate: pem },
      /securityKey: expected a private RSA key/,
    ],
  ])('%j', (settings, sentence) => {
    expect(guards(settings)).toThrow(sentence)
  })

  it('secrets that are too short are refused, and not shown', () => {
    expect(() => readSettings({ securityHmacKey: 'hunter2' })).toThrow(
      'securityHmacKey: expected a secret of at least 32 characters, or a list of such, got something else',
    )
  })
})
