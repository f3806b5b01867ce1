// sentinel://one:26379,two:26379/0?master=name, and as kombu writes it, each sentinel with a scheme of its own:
// sentinel://one:26379/0;sentinel://two:26379/0, with the master's name in the transport options. User and password
// are for Redis itself; those for the sentinels stand in the transport options, too. rediss+sentinel:// is TLS to both;
// the option `ssl` of the sentinels says it of them alone. Certificates stand in the URL, as everywhere.
import type { SentinelOptions } from '../runtime/carrier.js'
import type { Address, Place } from './address.js'
import { decode, readDatabase, readTls, refuse, shownCredentials, tlsOptions } from './url-parts.js'

const usualPort = 26_379

/** One sentinel or several with commas; before them perhaps credentials, behind them a database and options. */
const chunkPattern =
  /^(?:(?<scheme>(?:rediss\+)?sentinel):\/\/)?(?!(?:rediss\+)?sentinel:\/\/)(?:(?<user>[^:@/]*)(?::(?<password>[^@]*))?@)?(?<places>[^/@?]+)(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/i

type Chunk = Readonly<
  Record<'scheme' | 'user' | 'password' | 'places' | 'database' | 'query', string | undefined>
>

const readPlace = (name: string, url: string, text: string): Place => {
  const found = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text.trim())
  const port = Number(found?.[2] ?? usualPort)
  if (found === null || port > 65_535)
    return refuse(name, url, `"${text}" is no place of a sentinel (host:port).`)
  return { host: (found[1] as string).replace(/^\[|\]$/g, ''), port }
}

const readMaster = (name: string, url: string, inUrl: string, inOptions: string | undefined): string => {
  if (inUrl !== '' && inOptions !== undefined && inUrl !== inOptions)
    return refuse(
      name,
      url,
      `it says master=${inUrl}, and its transport options say masterName "${inOptions}".`,
    )
  const master = inOptions ?? inUrl
  if (master !== '') return master
  return refuse(
    name,
    url,
    'it does not say which master; add ?master=name, or masterName to its transport options.',
  )
}

export const parseSentinels = (name: string, url: string, options: SentinelOptions): Address => {
  const chunks = url.split(';').map((text): Chunk => {
    const found = chunkPattern.exec(text.trim())
    return (found?.groups as Chunk | undefined) ?? refuse(name, url, 'one of its sentinels cannot be read.')
  })
  const queries = chunks.map(({ query }) => new URLSearchParams(query))
  for (const option of queries.flatMap((query) => [...query.keys()]))
    if (option !== 'master' && !tlsOptions.includes(option))
      refuse(name, url, `the option "${option}" is unknown here.`)
  /** What one or all of them say. */
  const said = (what: string, texts: readonly (string | null | undefined)[]): string => {
    const different = new Set(texts.filter((text) => text != null && text !== ''))
    if (different.size > 1) refuse(name, url, `its sentinels disagree about the ${what}.`)
    return [...different][0] ?? ''
  }
  const of = (part: keyof Chunk): string =>
    said(
      part,
      chunks.map((chunk) => chunk[part]),
    )

  const scheme = of('scheme').toLowerCase()
  const username = decode(name, url, of('user'))
  const password = decode(name, url, of('password'))
  const database = readDatabase(name, url, of('database'))
  const inUrl = said(
    'master',
    queries.map((query) => query.get('master')),
  )
  const master = readMaster(name, url, inUrl, options.masterName)
  const places = chunks.flatMap((chunk) =>
    (chunk.places as string).split(',').map((text) => readPlace(name, url, text)),
  )
  const hosts = places.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  const masked = `${scheme}://${shownCredentials(username, password)}${hosts.join(',')}/${database}?master=${master}`
  const isTls = scheme === 'rediss+sentinel'
  const {
    username: theirName = null,
    password: theirPassword = null,
    ssl = isTls,
  } = options.sentinelKwargs ?? {}
  const given = new URLSearchParams(
    tlsOptions.flatMap((option): [string, string][] => {
      const value = said(
        option,
        queries.map((query) => query.get(option)),
      )
      return value === '' ? [] : [[option, value]]
    }),
  )
  if (given.size > 0 && !isTls && !ssl)
    refuse(name, url, 'it names certificates and speaks no TLS; write rediss+sentinel://.')
  const tls = isTls || ssl ? readTls(name, url, given) : null
  const sentinels = { places, master, username: theirName, password: theirPassword, tls: ssl ? tls : null }
  return {
    host: '',
    port: 0,
    path: null,
    sentinels,
    username,
    password,
    database,
    tls: isTls ? tls : null,
    masked,
  }
}
