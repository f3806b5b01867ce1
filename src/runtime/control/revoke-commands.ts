// Revoking: what waits is not run any more, wherever it lies; with `terminate`, what runs here is ended.
import { constants } from 'node:os'
import { type Dict, isDict, show } from '../fields.js'
import type { Message } from '../message.js'
import { repr } from '../repr.js'
import { listOf, stampedWith, stampText } from '../revoked.js'
import type { Command, Node } from './node.js'
import { setText, words } from './words.js'

/** Names with or without SIG, or a number → SIGTERM. Throws as Python's signal module does. */
export const signalName = (given: unknown): NodeJS.Signals => {
  const known = constants.signals as Readonly<Record<string, number>>
  if (given == null || given === '') return 'SIGTERM'
  const upper = (typeof given === 'string' ? given : show(given)).toUpperCase()
  const name = /^\d+$/.test(upper)
    ? Object.keys(known).find((each) => known[each] === Number(upper))
    : upper.startsWith('SIG')
      ? upper
      : `SIG${upper}`
  if (name !== undefined && Object.hasOwn(known, name)) return name as NodeJS.Signals
  const error = new Error(`module 'signal' has no attribute '${name ?? upper}'`)
  error.name = 'AttributeError'
  throw error
}

const terminate = (node: Node, matches: (message: Message) => boolean, signal: NodeJS.Signals) => {
  const found = node.terminate(matches, signal)
  for (const { id } of found) node.log.info(`Terminating ${id} (${constants.signals[signal]})`)
  return found
}

const revoke: Command = async (node, { task_id: taskId, terminate: ends, signal }) => {
  // More than these nobody would remember.
  const ids = [...new Set(words(taskId))].slice(-node.settings.workerRevokesMax)
  const name = ends ? signalName(signal) : undefined
  await node.revoke(ids, [])
  node.log.info(`Tasks flagged as revoked: ${ids.join(', ')}`)
  if (name === undefined) return { ok: `tasks ${setText(ids)} flagged as revoked` }
  const wanted = new Set(ids)
  const found = terminate(node, ({ id }) => wanted.has(id), name).map(({ id }) => id)
  return { ok: found.length > 0 ? `terminate: ${found.join(', ')}` : 'terminate: tasks unknown' }
}

/** `{ header: value or values }`, or `['header=value', …]`. */
const headersOf = (given: unknown): Dict => {
  if (isDict(given)) return given
  return Object.fromEntries(
    words(given).map((word) => [word.split('=')[0] as string, word.split('=').slice(1).join('=')]),
  )
}

const revokeByStampedHeaders: Command = async (node, { headers: given, terminate: ends, signal }) => {
  const headers = headersOf(given)
  const stamps = Object.entries(headers).flatMap(([header, value]) =>
    listOf(value).map((each) => [header, stampText(each)] as const),
  )
  const name = ends ? signalName(signal) : undefined
  await node.revoke([], stamps)
  const shown = repr(headers)
  if (name === undefined) return { ok: `headers ${shown} flagged as revoked, but not terminated` }
  const wanted = new Set(stamps.map(([header, value]) => `${header}\n${value}`))
  const has = (header: string, value: string): boolean => wanted.has(`${header}\n${value}`)
  const found = terminate(node, (message) => stampedWith(message, has), name)
  if (found.length === 0) return { ok: `headers ${shown} were not terminated` }
  return { ok: `headers ${setsOf(found, has)} revoked` }
}

/** Python's defaultdict of sets: the stamps that were met. */
const setsOf = (found: readonly Message[], has: (header: string, value: string) => boolean): string => {
  const met = new Map<string, Set<string>>()
  for (const { stampedHeaders, stamps } of found)
    for (const header of stampedHeaders ?? [])
      for (const value of listOf(stamps[header]))
        if (has(header, stampText(value)))
          met.set(header, (met.get(header) ?? new Set()).add(typeof value === 'string' ? value : repr(value)))
  const texts = [...met].map(([header, values]) => `'${header}': ${setText([...values])}`)
  return `defaultdict(<class 'set'>, {${texts.join(', ')}})`
}

export const revokeCommands: Readonly<Record<string, Command>> = {
  revoke,
  terminate: (node, { task_id: taskId, signal }) =>
    revoke(node, { task_id: taskId, terminate: true, signal }),
  revoke_by_stamped_headers: revokeByStampedHeaders,
}
