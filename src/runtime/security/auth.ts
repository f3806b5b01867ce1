// Celery's serializer `auth`: the body of a message signed with an RSA key (PSS), and checked with a store of trusted
// certificates. As on Python's wire; the headers of a message are not signed.
//
//   base64( base64(signer) 00 01 base64(signature) 00 01 type 00 01 charset 00 01 the body )
import { constants, type KeyObject, sign, verify, type X509Certificate } from 'node:crypto'
import { ContentDisallowed, SecurityError } from '../../errors.js'
import { signerOf } from './certificates.js'

const separator = Buffer.from([0, 1])
const parts = 5

export class Auth {
  constructor(
    private readonly digest: string,
    private readonly trusted: ReadonlyMap<string, X509Certificate>,
    private readonly own: { readonly key: KeyObject; readonly certificate: X509Certificate } | undefined,
  ) {}

  get canSign(): boolean {
    return this.own !== undefined
  }

  /** JSON text → what stands in the body. Throws SecurityError where there is no key to sign with. */
  seal(text: string): string {
    if (this.own === undefined)
      throw new SecurityError(
        'A message is to be signed (serializer auth), but there is no key: set securityKey and securityCertificate.',
      )
    const { key, certificate } = this.own
    const body = Buffer.from(text, 'utf8')
    const signature = sign(this.digest, body, {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN,
    })
    const words = [
      Buffer.from(signerOf(certificate), 'utf8').toString('base64'),
      signature.toString('base64'),
      'application/json',
      'utf-8',
    ]
    const head = words.flatMap((word) => [Buffer.from(word, 'ascii'), separator])
    return Buffer.concat([...head, body]).toString('base64')
  }

  /** The JSON text of a body that somebody trusted has signed. Throws SecurityError, ContentDisallowed. */
  open(text: string): string {
    const [signer = '', signature = '', type = '', charset = '', body] = split(Buffer.from(text, 'base64'))
    if (body === undefined) throw new SecurityError('The signed message is not whole.')
    const name = Buffer.from(String(signer), 'base64').toString('utf8')
    const certificate = this.trusted.get(name)
    if (certificate === undefined)
      throw new SecurityError(`Nobody here trusts ${JSON.stringify(name)}, who signed the message.`)
    const key = certificate.publicKey
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 2048
    const saltLength = Math.ceil((bits - 1) / 8) - hashBytes(this.digest) - 2
    const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
    if (!verify(this.digest, body, options, Buffer.from(String(signature), 'base64')))
      throw new SecurityError(`The signature of ${name} is wrong: the message was changed.`)
    if (String(type) !== 'application/json' || !/^utf-?8$/i.test(String(charset)))
      throw new ContentDisallowed(
        `Expected signed content of type application/json, got ${JSON.stringify(String(type))} in ${JSON.stringify(String(charset))}.`,
      )
    return body.toString('utf8')
  }
}

/** At the first four separators: the body may hold anything. */
const split = (packed: Buffer): readonly Buffer[] => {
  const found: Buffer[] = []
  let from = 0
  while (found.length < parts - 1) {
    const at = packed.indexOf(separator, from)
    if (at === -1) return found
    found.push(packed.subarray(from, at))
    from = at + separator.length
  }
  return [...found, packed.subarray(from)]
}

const hashBytes = (digest: string): number => Number(/(\d+)$/.exec(digest)?.[1] ?? 256) / 8
