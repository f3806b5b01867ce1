// `npm run bench -- security`: what a signature costs, on one message of Celery's, without any transport.
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'

const at = (path) => new URL(`../${path}`, import.meta.url)

const message = () => {
  const { cases } = JSON.parse(readFileSync(at('test/vectors/broker.json'), 'utf8'))
  const { redis } = cases.find(({ name }) => name === 'explicit-direct-exchange')
  return redis.find(({ type }) => type === 'list').value[0]
}

/** Microseconds of one call: the median of seven runs. */
const time = (calls, act) => {
  const runs = Array.from({ length: 7 }, () => {
    const startedAt = performance.now()
    for (let i = 0; i < calls; i += 1) act()
    return ((performance.now() - startedAt) / calls) * 1000
  })
  return `${runs.sort((a, b) => a - b)[3].toFixed(0)} µs`
}

export const benchSecurity = async () => {
  const { signEnvelope, checkEnvelope } = await import(at('dist/runtime/security/hmac.js'))
  const { Auth } = await import(at('dist/runtime/security/auth.js'))
  const { readCertificate, signerOf } = await import(at('dist/runtime/security/certificates.js'))

  const raw = message()
  const nowMs = Date.now()
  const keys = ['k'.repeat(40)]
  const signed = Buffer.from(signEnvelope(raw, keys[0], nowMs))
  const check = { keys, maxAge: 60, redelivered: false, nowMs }

  const certificate = readCertificate(
    'securityCertificate',
    readFileSync(at('test/redis/tls/cert.pem'), 'utf8'),
  )
  const { privateKey: key, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const auth = new Auth('sha256', new Map([[signerOf(certificate), { publicKey }]]), { key, certificate })
  const body = JSON.stringify([[1, 2], {}, { callbacks: null, errbacks: null, chain: null, chord: null }])
  const sealed = auth.seal(body)

  console.log(`One message of ${raw.length} bytes, Node ${process.versions.node}, RSA-2048\n`)
  console.table({
    hmac: {
      sign: time(2000, () => signEnvelope(raw, keys[0], nowMs)),
      check: time(2000, () => checkEnvelope(signed, check)),
    },
    auth: { sign: time(200, () => auth.seal(body)), check: time(1000, () => auth.open(sealed)) },
  })
  return true
}
