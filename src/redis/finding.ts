// What `lovage doctor` finds, and the commands that mend it.
import type { Finding } from '../runtime/broker.js'
import type { Ask } from './ask.js'
import type { Keys } from './keys.js'
import type { Reply } from './link.js'

export interface Examination {
  /** Its URL, for people. */
  readonly url: string
  /** Where sentinels led to, as host and port; '' where the URL says it. */
  readonly master: string
  readonly ask: Ask
  readonly keys: Keys
  /** Chords lie in the same database as messages. */
  readonly chords: boolean
  readonly queues: readonly string[]
  /** Seconds after which a Python worker's hold on a message counts as lost. */
  readonly visibilityTimeout: number
}

/** Keys looked at, so that a large database costs no more than a second or two. */
export const mostScanned = 100_000

export const good = (check: string, says: string): Finding => ({
  check,
  level: 'ok',
  says,
  mend: null,
  commands: [],
})

const finding =
  (level: Finding['level']) =>
  (check: string, says: string, mend: string, ...commands: readonly string[]): Finding => ({
    check,
    level,
    says,
    mend,
    commands,
  })

export const warn = finding('warning')
export const bad = finding('error')

/** What is typed to reach the same database of the same server: a password is asked for, as it is never shown. */
export const redisCli = ({ url, master }: Pick<Examination, 'url' | 'master'>): string => {
  const [, scheme = '', user = '', password, place = ''] =
    /^([\w+]+):\/\/(?:([^@:]*)(:[^@]*)?@)?(.*)$/.exec(url) ?? []
  const who = `${user && ` --user ${quoted(user)}`}${password === undefined ? '' : ' --askpass'}`
  const [path = '', database = ''] = place.split('?virtual_host=')
  if (scheme.endsWith('socket')) return `redis-cli -s ${quoted(path)} -n ${database}${who}`
  if (!scheme.includes('sentinel')) return `redis-cli -u ${quoted(`${scheme}://${place}`)}${who}`
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(master) ?? []
  const [, number = '0'] = /\/(\d+)\?/.exec(place) ?? []
  return `redis-cli -h ${host} -p ${port} -n ${number}${scheme.startsWith('rediss') ? ' --tls' : ''}${who}`
}

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
