// Certificates and keys of Celery's `auth` serializer: RSA, PEM, as files, directories, globs or texts.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ImproperlyConfigured } from '../../errors.js'

const pem = '-----BEGIN '

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A file's name, or the text itself. */
const readText = (setting: string, given: string): string => {
  if (given.trimStart().startsWith(pem)) return given
  try {
    return readFileSync(given, 'utf8')
  } catch (error) {
    // What was given may be the key itself, without its first line.
    const what = setting === 'securityKey' ? (error as NodeJS.ErrnoException).code : why(error)
    throw new ImproperlyConfigured(`${setting}: expected a PEM file or its text. ${what}`)
  }
}

export const readKey = (given: string, password: string | null): KeyObject => {
  const text = readText('securityKey', given)
  try {
    const key = createPrivateKey({ key: text, ...(password !== null && { passphrase: password }) })
    if (key.asymmetricKeyType !== 'rsa') throw new Error(`it is of type ${key.asymmetricKeyType}`)
    return key
  } catch (error) {
    throw new ImproperlyConfigured(`securityKey: expected a private RSA key in PEM. ${why(error)}`)
  }
}

/** Python's name of a certificate: the values of its issuer in their order, then the serial number in decimal. */
export const signerOf = (certificate: X509Certificate): string =>
  `${valuesOf(certificate.issuer).join(' ')} ${BigInt(`0x${certificate.serialNumber}`)}`

/** `CN=worker`, one attribute a line; Node escapes what is no printable ASCII, and joins several of one with `+`. */
const valuesOf = (issuer: string): readonly string[] =>
  issuer
    .split('\n')
    .flatMap((line) => line.split(/(?<!\\) ?\+ ?(?=[A-Za-z0-9.]+=)/))
    .map((attribute) => attribute.slice(attribute.indexOf('=') + 1).replace(/\\(.)/g, '$1'))

export const readCertificate = (setting: string, given: string): X509Certificate => {
  const text = readText(setting, given)
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(text)
  } catch (error) {
    throw new ImproperlyConfigured(
      `${setting}: expected a certificate in PEM, got something else. ${why(error)}`,
    )
  }
  if (certificate.publicKey.asymmetricKeyType !== 'rsa')
    throw new ImproperlyConfigured(
      `${setting}: expected an RSA certificate, got ${String(certificate.publicKey.asymmetricKeyType)}.`,
    )
  if (Date.parse(certificate.validTo) < Date.now())
    throw new ImproperlyConfigured(
      `${setting}: the certificate of ${signerOf(certificate)} expired on ${certificate.validTo}.`,
    )
  return certificate
}

/** The trusted ones by their signer: a directory, or a glob in its last part (`/etc/certs/*.pem`). */
export const readStore = (given: string): ReadonlyMap<string, X509Certificate> => {
  const store = new Map<string, X509Certificate>()
  for (const file of filesOf(given)) {
    const certificate = readCertificate(`securityCertStore (${file})`, file)
    const signer = signerOf(certificate)
    if (store.has(signer))
      throw new ImproperlyConfigured(
        `securityCertStore: two certificates of ${signer} in ${given}. Keep one of them.`,
      )
    store.set(signer, certificate)
  }
  if (store.size === 0)
    throw new ImproperlyConfigured(
      `securityCertStore: expected certificates in ${given}, got none. Nobody would be trusted.`,
    )
  return store
}

const filesOf = (given: string): readonly string[] => {
  try {
    if (statSync(given, { throwIfNoEntry: false })?.isDirectory() === true)
      return readdirSync(given)
        .sort()
        .map((name) => join(given, name))
    if (!given.includes('*')) return [given]
    const escaped = basename(given).replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(`^${escaped.replaceAll('*', '.*')}$`)
    return readdirSync(dirname(given))
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => join(dirname(given), name))
  } catch (error) {
    throw new ImproperlyConfigured(`securityCertStore: ${why(error)}`)
  }
}
