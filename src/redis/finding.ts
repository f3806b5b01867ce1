// What `lovage doctor` finds, and the commands that mend it.
import type { Finding } from '../runtime/broker.js'
import type { Keys } from './keys.js'
import type { Reply } from './link.js'

export interface Examination {
  /** Its URL, for people. */
  readonly url: string
  readonly ask: (command: string, args: readonly (string | number)[]) => Promise<Reply>
  readonly keys: Keys
  /** Chords lie in the same database as messages. */
  readonly chords: boolean
  readonly queues: readonly string[]
  /** Seconds after which a Python worker's hold on a message counts as lost. */
  readonly visibilityTimeout: number
}

/** Keys looked at, so that a large database costs no more than a second or two. */
export const mostScanned = 100_000

export const good = (check: string, says: string): Finding => ({ check, level: 'ok', says, mend: null })
export const warn = (check: string, says: string, mend: string): Finding => ({
  check,
  level: 'warning',
  says,
  mend,
})
export const bad = (check: string, says: string, mend: string): Finding => ({
  check,
  level: 'error',
  says,
  mend,
})

/** What is typed to reach the same database of the same server. */
export const redisCli = (url: string): string =>
  /^rediss?:/.test(url) ? `redis-cli -u ${quoted(url)}` : 'redis-cli'

/** One word for a shell (bash, where there are unprintable characters in it: as in the names of priorities' lists). */
export const quoted = (word: string): string => {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (/^[\x20-\x7e]*$/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  const bytes = [...Buffer.from(word)].map((byte) =>
    byte > 0x1f && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  )
  return `$'${bytes.join('')}'`
}

export const text = (reply: Reply | undefined): string => String(reply)
