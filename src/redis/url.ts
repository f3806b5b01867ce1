// Broker and result URLs → where to connect. Bad ones are refused with what was expected, what came, and
// what to do; passwords never appear in what is said.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { ImproperlyConfigured } from '../errors.js'

export interface Address {
  readonly host: string
  readonly port: number
  /** A unix socket, instead of host and port. */
  readonly path: string | null
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly tls: ConnectionOptions | null
  /** For people: the password is `**`. */
  readonly masked: string
}

const forms =
  'redis://[user:password@]host[:port][/database], rediss://… or redis+socket:///path[?virtual_host=database]'

const hide = (url: string): string => url.replace(/:\/\/([^:@/]*):(.*)@/, '://$1:**@')

const refuse = (name: string, url: string, why: string): never => {
  throw new ImproperlyConfigured(`${name} "${hide(url)}": ${why} Expected ${forms}.`)
}

const readDatabase = (name: string, url: string, text: string): number => {
  if (text === '') return 0
  if (!/^\d{1,6}$/.test(text)) refuse(name, url, `the database must be a number, not "${text}".`)
  return Number(text)
}

const readFile = (name: string, url: string, option: string, path: string): Buffer => {
  try {
    return readFileSync(path)
  } catch (error) {
    return refuse(name, url, `${option} cannot be read (${(error as Error).message}).`)
  }
}

const knownOptions = ['virtual_host', 'db', 'ssl_cert_reqs', 'ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile']

const readTls = (name: string, url: string, query: URLSearchParams): ConnectionOptions => {
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
    rejectUnauthorized: requirement === 'required',
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
}

const decode = (name: string, url: string, text: string): string | null => {
  try {
    return text === '' ? null : decodeURIComponent(text)
  } catch {
    return refuse(name, url, 'user and password must be percent-encoded.')
  }
}

/** `name` is the setting it came from. Throws ImproperlyConfigured. */
export const parseAddress = (name: string, url: string): Address => {
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) return refuse(name, url, 'it has no scheme.')
  if (!['redis', 'rediss', 'redis+socket', 'socket'].includes(scheme))
    return refuse(name, url, `the scheme "${scheme}" is none of Redis.`)
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return refuse(name, url, 'it is no URL.')
  }
  const query = parsed.searchParams
  for (const option of query.keys())
    if (!knownOptions.includes(option)) refuse(name, url, `the option "${option}" is unknown here.`)
  const username = decode(name, url, parsed.username)
  const password = decode(name, url, parsed.password)
  const credentials = password === null ? (username ?? '') : `${username ?? ''}:**`
  const shown = credentials === '' ? '' : `${credentials}@`

  if (scheme.endsWith('socket')) {
    const path = decodeURIComponent(parsed.pathname)
    if (path === '' || path === '/') return refuse(name, url, 'it names no socket.')
    const database = readDatabase(name, url, query.get('virtual_host') ?? query.get('db') ?? '')
    const masked = `redis+socket://${shown}${path}?virtual_host=${database}`
    return { host: '', port: 0, path, username, password, database, tls: null, masked }
  }
  const host = parsed.hostname === '' ? 'localhost' : parsed.hostname.replace(/^\[|\]$/g, '')
  const port = parsed.port === '' ? 6379 : Number(parsed.port)
  const inPath = parsed.pathname.replace(/^\//, '')
  const database = readDatabase(name, url, inPath === '' ? (query.get('db') ?? '') : inPath)
  const tls = scheme === 'rediss' ? readTls(name, url, query) : null
  const masked = `${scheme}://${shown}${parsed.hostname || 'localhost'}:${port}/${database}`
  return { host, port, path: null, username, password, database, tls, masked }
}

const local = ['localhost', '127.0.0.1', '::1']

/** Whether both lie on one server, as far as their names tell. */
export const sameServer = (a: Address, b: Address): boolean =>
  a.path !== null || b.path !== null
    ? a.path === b.path
    : a.port === b.port && (a.host === b.host || (local.includes(a.host) && local.includes(b.host)))

/** One connection can do for both. */
export const sameAccess = (a: Address, b: Address): boolean =>
  sameServer(a, b) && a.database === b.database && a.username === b.username && a.password === b.password
