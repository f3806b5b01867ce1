// Dead letters for a terminal.
import { isUtf8 } from 'node:buffer'
import type { DeadLetter } from '../index.js'
import { columns } from './columns.js'
import { printable } from './printable.js'

const when = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`

const short = (text: string): string => (text.length > 100 ? `${text.slice(0, 99)}…` : text)

const head = ['ID', 'DIED', 'QUEUE', 'TASK', 'TASK ID', 'STARTS', 'LAST WORKER', 'REASON']

/** The table has no room for messages. */
export const lettersText = (letters: readonly Omit<DeadLetter, 'raw'>[]): string => {
  if (letters.length === 0) return 'There are no dead letters.'
  const rows = letters.map(({ id, diedAt, queue, task, taskId, attempts, lastWorker, reason }) =>
    [id, when(diedAt), queue, task ?? '-', taskId ?? '-', String(attempts), lastWorker ?? '-', reason].map(
      (cell) => short(cell),
    ),
  )
  return columns([head, ...rows])
}

/** Offset, sixteen bytes, and what of them is a letter. */
const hexLines = (raw: Buffer): readonly string[] =>
  Array.from({ length: Math.ceil(raw.length / 16) }, (_, line) => {
    const bytes = raw.subarray(16 * line, 16 * line + 16)
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const letters = [...bytes].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.'))
    return `${(16 * line).toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${letters.join('')}`
  })

export const letterText = (letter: DeadLetter): string => {
  const { id, diedAt, queue, task, taskId, attempts, lastWorker, reason, raw } = letter
  const facts: readonly (readonly [string, string])[] = [
    ['letter', id],
    ['died', when(diedAt)],
    ['reason', reason],
    ['queue', queue],
    ['task', task ?? '-'],
    ['task id', taskId ?? '-'],
    ['starts without an end', String(attempts)],
    ['last worker', lastWorker ?? '-'],
    ['message', `${raw.length} bytes${isUtf8(raw) ? '' : ', not UTF-8'}`],
  ]
  const width = Math.max(...facts.map(([name]) => name.length))
  return [
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`),
    '',
    ...(isUtf8(raw) ? [printable(raw.toString())] : hexLines(raw)),
  ].join('\n')
}

/** `raw` is null where it is no text; `rawBase64` is always all of it. */
export const letterJson = ({ raw, ...letter }: DeadLetter): object => ({
  ...letter,
  raw: isUtf8(raw) ? raw.toString() : null,
  rawBase64: raw.toString('base64'),
})
