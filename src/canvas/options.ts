// Every option of a signature: its name on the wire and what it may hold. Setting is strict, so that a
// misspelt option is an error and not a task in the wrong queue; reading keeps what it does not know.
import { InvalidSignature } from '../errors.js'
import { checkHeaders } from './headers.js'
import { asNode, isSignature, type SignatureOptions } from './node.js'
import { nearest, show } from './words.js'

type Expected =
  | 'text'
  | 'number'
  | 'count'
  | 'flag'
  | 'record'
  | 'texts'
  | 'moment'
  | 'expiry'
  | 'signature'
  | 'signatures'

/** Options that lie on the wire under a name of their own; `stamps` and `other` lie there item by item. */
type WireOption = Exclude<keyof SignatureOptions, 'stamps' | 'other'>

const table = {
  taskId: 'text',
  replyTo: 'text',
  groupId: 'text',
  groupIndex: 'count',
  rootId: 'text',
  parentId: 'text',
  chord: 'signature',
  chain: 'signatures',
  link: 'signatures',
  linkError: 'signatures',
  queue: 'text',
  exchange: 'text',
  routingKey: 'text',
  priority: 'number',
  countdown: 'number',
  eta: 'moment',
  expires: 'expiry',
  retries: 'count',
  timeLimit: 'number',
  softTimeLimit: 'number',
  shadow: 'text',
  argsrepr: 'text',
  kwargsrepr: 'text',
  headers: 'record',
  serializer: 'text',
  compression: 'text',
  ignoreResult: 'flag',
  replacedTaskNesting: 'count',
  stampedHeaders: 'texts',
  addToParent: 'flag',
  durability: 'record',
  retry: 'flag',
  retryPolicy: 'record',
} as const satisfies Record<WireOption, Expected>

/** `maxRetries` → `max_retries`. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const wireNames = new Map(Object.keys(table).map((name) => [name, snake(name)]))
const ownNames = new Map(Object.keys(table).map((name) => [snake(name), name as WireOption]))

/** The option's name in Celery's dict. */
export const wireName = (option: string): string => wireNames.get(option) ?? option

/** The option of this name in Celery's dict, if it is one of ours. */
export const optionOf = (wire: string): WireOption | undefined => ownNames.get(wire)

/** Whether this is what we call an option. */
export const isOption = (name: string): boolean => Object.hasOwn(table, name)

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isDate = (value: unknown) => value instanceof Date && !Number.isNaN(value.getTime())
const isList = (value: unknown, item: (value: unknown) => boolean) =>
  Array.isArray(value) && value.every(item)

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** Costs nothing where most have nothing to say. */
export const isEmpty = (options: object): boolean => {
  for (const name in options) if (Object.hasOwn(options, name)) return false
  return true
}

const expectations: Record<Expected, readonly [words: string, holds: (value: unknown) => boolean]> = {
  text: ['a string', isText],
  number: ['a number', isNumber],
  count: ['a whole number from 0', (value) => Number.isSafeInteger(value) && (value as number) >= 0],
  flag: ['true or false', (value) => typeof value === 'boolean'],
  record: ['an object', isRecord],
  texts: ['an array of strings', (value) => isList(value, isText)],
  moment: ['a valid Date or ISO text', (value) => isDate(value) || isText(value)],
  expiry: ['seconds, a valid Date or ISO text', (value) => isNumber(value) || isDate(value) || isText(value)],
  signature: ['a signature', isSignature],
  signatures: ['an array of signatures', (value) => isList(value, isSignature)],
}

/** Options holding signatures, in the order in which a walk visits them. */
export const nestedOptions = ['chord', 'chain', 'link', 'linkError'] as const

/** What a user may say of these is narrower than what is read from the wire, where Celery lets more through. */
const ranges: Partial<Record<WireOption, readonly [words: string, holds: (value: unknown) => boolean]>> = {
  taskId: ['a string that is not empty', (value) => value !== ''],
  queue: ['the name of a queue', (value) => value !== ''],
  priority: [
    'a whole number from 0 (most urgent) to 9',
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 9,
  ],
  timeLimit: ['seconds, more than 0', (value) => (value as number) > 0],
  softTimeLimit: ['seconds, more than 0', (value) => (value as number) > 0],
}

function checkRange(option: WireOption, value: unknown): void {
  const range = ranges[option]
  if (range !== undefined && !range[1](value))
    throw new InvalidSignature(`The option ${option} expects ${range[0]}, but got ${show(value)}.`)
}

/** Refuses a value that the option cannot hold; `where` is the start of the sentence. */
export function checkOption(option: WireOption, value: unknown, where = `The option ${option}`): void {
  const [words, holds] = expectations[table[option]]
  if (table[option] === 'signatures' && Array.isArray(value))
    for (const item of value) asNode(item, `${where} expects signatures; what it got`)
  if (!holds(value)) throw new InvalidSignature(`${where} expects ${words}, but got ${show(value)}.`)
}

/**
 * Options as the user gave them, checked: undefined and null are left out, and a single callback becomes a
 * list. Throws InvalidSignature for a name that does not exist, with the nearest that does.
 */
export function readOptions(given: object): SignatureOptions {
  if (!isRecord(given))
    throw new InvalidSignature(`Options are expected to be an object, but got ${show(given)}.`)
  if (isEmpty(given)) return {}
  const entries: [string, unknown][] = []
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(table, name) ? (name as WireOption) : undefined
    if (option === undefined && name !== 'stamps' && name !== 'other') throw unknownOption(name)
    if (value === undefined || value === null) continue
    const held = (name === 'link' || name === 'linkError') && !Array.isArray(value) ? [value] : value
    if (option !== undefined) {
      checkOption(option, held)
      checkRange(option, held)
    }
    if (option === undefined && !isRecord(held))
      throw new InvalidSignature(`The option ${name} expects an object, but got ${show(held)}.`)
    if (option === 'headers') checkHeaders(held as Readonly<Record<string, unknown>>)
    entries.push([name, ownCopy(held)])
  }
  return Object.fromEntries(entries)
}

/** What the user changes later must not change the signature. */
function ownCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze([...value])
  return isRecord(value) && !isSignature(value) ? Object.freeze({ ...value }) : value
}

// The signature's own value stays when it is called: it belongs to the group or the stamp that set it.
const ownValueWins: ReadonlySet<string> = new Set(['groupId', 'stampedHeaders'])

/**
 * The options of a call laid over those of the signature (Celery's merge). Not by a spread: what is added to `{ ...own }`
 * gets a hidden class of its own each time, and whoever reads such objects by the thousand finds none of them familiar.
 */
export function mergeOptions(own: SignatureOptions, call: SignatureOptions): SignatureOptions {
  if (isEmpty(call)) return own
  const merged: Record<string, unknown> = {}
  Object.assign(merged, own)
  for (const name of Object.keys(call)) {
    const value = call[name as keyof SignatureOptions]
    if (value === undefined || value === null) continue
    if (ownValueWins.has(name) && merged[name] !== undefined) continue
    if (name === 'stamps') merged[name] = { ...(value as object), ...own.stamps }
    else if (name === 'other') merged[name] = { ...own.other, ...(value as object) }
    else merged[name] = value
  }
  return merged
}

function unknownOption(name: string): InvalidSignature {
  if (name === 'immutable')
    return new InvalidSignature('A signature has no option "immutable". Write immutable(sig), or task.si(…).')
  const wire = optionOf(name)
  const near = wire ?? nearest(name, [...Object.keys(table), 'stamps', 'other'])
  const advice = near === undefined ? ' Options of another kind go under "other".' : ` Did you mean ${near}?`
  return new InvalidSignature(`A signature has no option "${name}".${advice}`)
}
