// One publication on its way: how long it may be tried, how far it came, and what is said when it ends badly.
import type { Publication } from '../runtime/publication.js'
import type { Need } from './confirm.js'

export interface Entry {
  readonly publication: Publication
  readonly bytes: number
  readonly need: Need | undefined
  readonly bornMs: number
  /** How long it may be tried. */
  readonly patienceMs: number
  /** The same, or the time of one attempt where that is longer. */
  readonly limitMs: number
  /** Trouble is borne until then. */
  patientUntilMs: number
  /** An answer is awaited until then. */
  deadlineMs: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  settled: boolean
  /** It left at least once: it may have arrived. */
  sent: boolean
  /** It left, and no answer came. */
  doubtful: boolean
  /** It arrived, and is yet to be confirmed. */
  written: boolean
  /** A connection was lost, or not to be had, since it came. */
  troubled: boolean
}

/** The least that one attempt gets. */
const attemptMs = 1000

/** `patience` in seconds; the broker's timeout if not given. Field by field: a spread costs ten times as much. */
export const makeEntry = (
  { publication, need, resolve, reject }: Pick<Entry, 'publication' | 'need' | 'resolve' | 'reject'>,
  patience: number | undefined,
  timeoutMs: number,
): Entry => {
  let bytes = 0
  for (const push of publication.pushes) bytes += push.raw.length
  for (const page of publication.pages ?? []) bytes += page.text.length
  const bornMs = Date.now()
  const patienceMs = patience === undefined ? timeoutMs : patience * 1000
  const limitMs = Math.max(patienceMs, Math.min(attemptMs, timeoutMs))
  return {
    publication,
    need,
    resolve,
    reject,
    bytes,
    bornMs,
    patienceMs,
    limitMs,
    patientUntilMs: bornMs + patienceMs,
    deadlineMs: bornMs + limitMs,
    settled: false,
    sent: false,
    doubtful: false,
    written: false,
    troubled: false,
  }
}

/** From now on trouble ends it. */
export const isTired = ({ patientUntilMs }: Entry, now = Date.now()): boolean => patientUntilMs <= now

/** Its confirmation is awaited until `byMs`; whoever makes one attempt only does not come back for it. */
export const awaitConfirmation = (entry: Entry, byMs: number): void => {
  if (entry.patienceMs > 0) entry.patientUntilMs = Math.max(entry.patientUntilMs, byMs)
  entry.deadlineMs = Math.max(entry.deadlineMs, byMs + attemptMs)
}

/** It could not leave since then, and that was nobody's fault. */
export const excuse = (entry: Entry, sinceMs: number): void => {
  const stoodMs = Date.now() - Math.max(sinceMs, entry.bornMs)
  entry.patientUntilMs += stoodMs
  entry.deadlineMs += stoodMs
}

const secondsOf = (ms: number): string => `${Number((ms / 1000).toFixed(3))} s`

/** Of an entry that nobody answers: what is known of it, and for how long it was tried. */
export const unanswered = (entry: Entry, now = Date.now()): string => {
  const { written, sent, need, limitMs, patienceMs } = entry
  const triedMs = entry.deadlineMs <= now ? limitMs : isTired(entry, now) ? patienceMs : 0
  const within = triedMs === 0 ? '' : ` within ${secondsOf(triedMs)}`
  if (written && need !== undefined) return `${arrived} within ${secondsOf(need.timeoutMs)}. `
  return sent ? `No answer${within}: it may have arrived or not. ` : `Not published${within}. `
}

/** Of one that Redis refused. */
export const refusedText = ({ written }: Entry): string => (written ? `${arrived}. ` : 'Not published. ')

export const unconfirmed = ({ timeoutMs }: Need, missing: string, url: string): string =>
  `The message is in the broker (${url}), but ${missing} within ${secondsOf(timeoutMs)}.`

export const noQueue = (queue: string, key: string, url: string): string =>
  `Cannot publish to queue "${queue}": the key "${key}" at ${url} holds something that is no queue. Use another queue name, or remove the key.`

const arrived = 'The message is in the broker, but it was not confirmed'
