// What the forms of URLs have in common: databases, credentials, certificates, and how each of them is refused.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { ImproperlyConfigured } from '../errors.js'
import { maskUrl } from '../mask.js'

const forms =
  'redis://[user:password@]host[:port][/database], rediss://…, redis+socket:///path[?virtual_host=database] ' +
  'or sentinel://[user:password@]host[:port],host…[/database]?master=name (with TLS rediss+sentinel://…)'

export const refuse = (name: string, url: string, why: string): never => {
  throw new ImproperlyConfigured(`${name} "${maskUrl(url)}": ${why} Expected ${forms}.`)
}

export const readDatabase = (name: string, url: string, text: string): number => {
  if (text === '') return 0
  // What stands there may be the end of a password with a slash in it.
  const shown = text.includes('@') ? 'what stands behind the first slash' : `"${text}"`
  if (!/^\d{1,6}$/.test(text)) refuse(name, url, `the database must be a number, not ${shown}.`)
  return Number(text)
}

const readFile = (name: string, url: string, option: string, path: string): Buffer => {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Where a private key lies is nobody's business.
    return refuse(name, url, `${option} cannot be read (${option === 'ssl_keyfile' ? code : message}).`)
  }
}

export const tlsOptions = ['ssl_cert_reqs', 'ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile']

export const knownOptions = ['virtual_host', 'db', ...tlsOptions]

export const readTls = (name: string, url: string, query: URLSearchParams): ConnectionOptions => {
  const requirement = (query.get('ssl_cert_reqs') ?? 'required').toLowerCase().replace(/^cert_/, '')
  if (!['required', 'optional', 'none'].includes(requirement))
    refuse(name, url, `ssl_cert_reqs must be required, optional or none, not "${requirement}".`)
  const file = (option: string): Buffer | undefined => {
    const path = query.get(option)
    return path === null ? undefined : readFile(name, url, option, path)
  }
  const ca = file('ssl_ca_certs')
  const cert = file('ssl_certfile')
  const key = file('ssl_keyfile')
  return {
    // For a client `optional` means the same as `required`, as OpenSSL and Python have it.
    rejectUnauthorized: requirement !== 'none',
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
}

export const decode = (name: string, url: string, text: string): string | null => {
  try {
    return text === '' ? null : decodeURIComponent(text)
  } catch {
    return refuse(name, url, 'user and password must be percent-encoded.')
  }
}

/** `user:**@`, or nothing. */
export const shownCredentials = (username: string | null, password: string | null): string => {
  const credentials = password === null ? (username ?? '') : `${username ?? ''}:**`
  return credentials === '' ? '' : `${credentials}@`
}
