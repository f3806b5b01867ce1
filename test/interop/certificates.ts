// Keys with certificates of their own, made by Python's cryptography: fresh ones, so that none expires in the sources.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PythonCelery } from '../support/celery.js'
import { temporaryDirectory } from '../support/processes.js'

export interface Identity {
  readonly key: string
  readonly certificate: string
}

/** One for each name, as files in a directory of its own. `trusted` makes a store of some of them. */
export const makeIdentities = async <Name extends string>(
  celery: PythonCelery,
  redisUrl: string,
  names: readonly Name[],
) => {
  const made = await celery.python<Record<Name, Identity>>(
    `
    import datetime
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    def identity(name):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        who = x509.Name([
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Grün & Söhne, Inc. + 1=1"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ])
        now = datetime.datetime.now(datetime.timezone.utc)
        made = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        pem = serialization.Encoding.PEM
        plain = serialization.NoEncryption()
        return {
            "key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode(),
            "certificate": made.sign(key, hashes.SHA256()).public_bytes(pem).decode(),
        }

    give({name: identity(name) for name in ${JSON.stringify(names)}})
  `,
    { redisUrl },
  )
  const directory = temporaryDirectory('certificates')
  const write = (path: string, text: string): string => {
    writeFileSync(path, text)
    return path
  }
  const files = (name: Name): Identity => ({
    key: write(join(directory, `${name}.key`), made[name].key),
    certificate: write(join(directory, `${name}.pem`), made[name].certificate),
  })
  const trusted = (...who: readonly Name[]): string => {
    const store = join(directory, who.join('-'))
    mkdirSync(store)
    for (const name of who) write(join(store, `${name}.pem`), made[name].certificate)
    return store
  }
  return { files, trusted }
}
