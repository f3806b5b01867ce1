// Broker and result URLs → where to connect. Bad ones are refused with what was expected, what came, and
// what to do; passwords never appear in what is said.
import type { SentinelOptions } from '../runtime/carrier.js'
import type { Address } from './address.js'
import { parseSentinels } from './sentinel-url.js'
import { decode, knownOptions, readDatabase, readTls, refuse, shownCredentials } from './url-parts.js'

/** `name` is the setting it came from. Throws ImproperlyConfigured. */
export const parseAddress = (name: string, url: string, options: SentinelOptions = {}): Address => {
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) return refuse(name, url, 'it has no scheme.')
  if (scheme === 'sentinel' || scheme === 'rediss+sentinel') return parseSentinels(name, url, options)
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
  const shown = shownCredentials(username, password)

  if (scheme.endsWith('socket')) {
    const path = decodeURIComponent(parsed.pathname)
    if (path === '' || path === '/') return refuse(name, url, 'it names no socket.')
    const database = readDatabase(name, url, query.get('virtual_host') ?? query.get('db') ?? '')
    const masked = `redis+socket://${shown}${path}?virtual_host=${database}`
    return { host: '', port: 0, path, sentinels: null, username, password, database, tls: null, masked }
  }
  const host = parsed.hostname === '' ? 'localhost' : parsed.hostname.replace(/^\[|\]$/g, '')
  const port = parsed.port === '' ? 6379 : Number(parsed.port)
  const inPath = parsed.pathname.replace(/^\//, '')
  const database = readDatabase(name, url, inPath === '' ? (query.get('db') ?? '') : inPath)
  const tls = scheme === 'rediss' ? readTls(name, url, query) : null
  const masked = `${scheme}://${shown}${parsed.hostname || 'localhost'}:${port}/${database}`
  return { host, port, path: null, sentinels: null, username, password, database, tls, masked }
}
