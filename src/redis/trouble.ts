// What may go wrong over there, sorted by what can be done about it.
import { BrokerFull, ImproperlyConfigured, type LovageError, OperationalError } from '../errors.js'

export type Trouble =
  /** The connection broke or cannot be had: the outcome is unknown, the call may be sent again. */
  | 'connection'
  /** Redis answers, but not now (loading, busy, a replica that was promoted elsewhere): send it again. */
  | 'unready'
  /** Redis is at `maxmemory`; nothing was written. */
  | 'full'
  /** User or password are wrong, or may not do this. */
  | 'denied'
  /** It has no database of this number: the URL is wrong, and time does not mend it. */
  | 'nowhere'
  /** It is older than what we need: time does not mend that either. */
  | 'outdated'
  /** The script is not known (any more). */
  | 'noscript'
  /** Anything else that Redis said. */
  | 'refused'

const codes: Readonly<Record<string, Trouble>> = {
  LOADING: 'unready',
  BUSY: 'unready',
  READONLY: 'unready',
  MASTERDOWN: 'unready',
  NOREPLICAS: 'unready',
  MISCONF: 'unready',
  TRYAGAIN: 'unready',
  CLUSTERDOWN: 'unready',
  UNKILLABLE: 'unready',
  OOM: 'full',
  NOAUTH: 'denied',
  WRONGPASS: 'denied',
  NOPERM: 'denied',
  NOSCRIPT: 'noscript',
}

/** The server is too old, which its message says as it is told to people. */
export class Outdated extends Error {}

/** No use to try again: the URL leads to a server, or a database of it, that we cannot work with. */
export const isHopeless = (error: unknown): boolean => ['nowhere', 'outdated'].includes(troubleOf(error))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const troubleOf = (error: unknown): Trouble => {
  if (error instanceof Outdated) return 'outdated'
  if (!(error instanceof Error) || error.name !== 'ReplyError') return 'connection'
  if (/DB index is out of range|SELECT is not allowed/.test(error.message)) return 'nowhere'
  const code = /^-?([A-Z]+)/.exec(error.message)?.[1] ?? ''
  const known = codes[code]
  if (known !== undefined) return known
  // A script passes on what a command inside it was told, with more words around it.
  for (const [inner, trouble] of Object.entries(codes))
    if (new RegExp(`\\b${inner}\\b`).test(error.message)) return trouble
  return /invalid password|AUTH/i.test(error.message) ? 'denied' : 'refused'
}

/** Those of one kind are one trouble, and are told once. */
export const kindOf = (error: unknown): string => {
  const trouble = troubleOf(error)
  if (error instanceof OperationalError) return error.message
  if (trouble === 'connection') return trouble
  return `${trouble} ${Object.keys(codes).find((code) => new RegExp(`\\b${code}\\b`).test(messageOf(error))) ?? ''}`
}

/** What helps, by what Redis says. */
const advice: Readonly<Record<string, string>> = {
  LOADING: 'It reads its data from disk; that passes.',
  BUSY: 'A script runs there for too long; SCRIPT KILL ends it.',
  READONLY: 'It is a replica: after a failover the URL must lead to the new primary.',
  MISCONF: 'It cannot save to disk: its log says why. Make room there, or mend its `dir`.',
}

/** As Redis says it to who sends a command. */
export const loading = (percent: string | undefined): Error =>
  Object.assign(
    new Error(
      `LOADING Redis is loading the dataset in memory${percent === undefined ? '' : `, ${Math.floor(Number(percent))} %`}`,
    ),
    { name: 'ReplyError' },
  )

/** A sentence for an operator. */
export const explain = (url: string, error: unknown): string => {
  const text = messageOf(error)
  if (error instanceof OperationalError) return text
  switch (troubleOf(error)) {
    case 'connection':
      return `Cannot reach Redis at ${url} (${text}). Is it running there, and is the URL right?`
    case 'unready':
      return [`Redis at ${url} does not take commands now (${text}).`, ...adviceOn(text)].join(' ')
    case 'full':
      return `Redis at ${url} is full (${text}). Give it more memory (maxmemory) or let the queues drain.`
    case 'denied':
      return `Redis at ${url} refuses us (${text}). Check user and password in the URL, and the user's ACL.`
    case 'nowhere':
      return `Redis at ${url} has no database of that number (${text}). Expected one from 0 to 15, unless "databases" in its redis.conf says otherwise: change the number at the end of the URL.`
    case 'outdated':
      return `${text} (It is at ${url}.)`
    case 'noscript':
    case 'refused':
      if (/unknown command '?waitaof/i.test(text))
        return `durability.aof needs Redis 7.2 or newer (WAITAOF), and the server at ${url} is older: leave aof out, or upgrade it.`
      if (/WAITAOF .*appendonly is disabled/.test(text))
        return `durability.aof needs an append-only file, and the server at ${url} keeps none: set appendonly yes there, or leave aof out.`
      if (text.includes('WRONGTYPE'))
        return `A key of Lovage's at ${url} holds something else (${text}). \`lovage doctor\` tells which: remove it.`
      return `Redis at ${url} refused a command: ${text}`
  }
}

/** ioredis hangs the command on it with all that it carried: passwords, and the arguments of tasks. */
export const withoutCommand = (error: unknown): unknown => {
  if (error instanceof Error) delete (error as { command?: unknown }).command
  return error
}

const adviceOn = (text: string): readonly string[] =>
  Object.entries(advice).flatMap(([code, words]) => (new RegExp(`\\b${code}\\b`).test(text) ? [words] : []))

/** What callers are told: an OperationalError, or an ImproperlyConfigured where it is their URL that is wrong. */
export const toOperational = (url: string, error: unknown, prefix = ''): LovageError => {
  const Kind =
    troubleOf(error) === 'full' ? BrokerFull : isHopeless(error) ? ImproperlyConfigured : OperationalError
  return new Kind(prefix + explain(url, error), { cause: withoutCommand(error) })
}

/** A key that is ours by its name holds something that we did not put there. */
export const wrongKey = (url: string, key: string, expected: string): OperationalError =>
  new OperationalError(
    `The key "${key}" at ${url} was expected to hold a ${expected} of Lovage's, and holds something else. Remove the key, or give this app another name.`,
  )

/** The same, of those that no worker looks at each second: there may be many of them. */
export const oddKey = (url: string, queue: string): OperationalError =>
  new OperationalError(
    `Messages of queue "${queue}" at ${url} cannot wait for a rate or at a concurrency key: a key of these holds something else than Lovage's. \`lovage doctor\` tells which: remove it.`,
  )
