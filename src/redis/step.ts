// What a step says to its script, and what the script says back (lua/step.lua). Pure: strings in, strings
// out; the consumer sends them.
import type { Completion, Delivery, Join, StepReply } from '../runtime/consumer.js'
import { errandWords } from './errands.js'
import { type Databases, isFar, type Keys, stepOf, writtenAs } from './keys.js'
import type { Reply } from './link.js'
import { heldText, targetOf, toAll } from './publication.js'
import { isListed, markRedelivered, type Past, pastOf, tagsOf, unackedTag } from './shared.js'

type Argument = string | number

/** What stays the same for all steps of one registration. */
export interface StepContext {
  readonly keys: Keys
  readonly databases: Databases
  readonly id: string
  readonly hostname: string
  readonly queues: readonly string[]
  readonly deadLetterMax: number
  readonly deadLetterExpires: number
  /** Gates are kept: some message may have a concurrency key. */
  readonly gated: boolean
  /** The hash field that a tag stands for now (letters are added while we hold it). */
  readonly fieldOf: (tag: string) => string
  /** A held message of a shared queue, as it came; undefined when it is not known here. */
  readonly rawOf: (tag: string) => Buffer | undefined
  /** What shared.lua is told; '' where no queue is shared. */
  readonly sharing: string
}

/** For `StepContext.sharing`. */
export const describeSharing = (keys: Keys, id: string, queues: readonly string[]): string =>
  queues.some(keys.isShared)
    ? JSON.stringify({
        tags: tagsOf(id),
        keys: queues.map((queue) => (keys.isShared(queue) ? JSON.stringify(queue) : '')),
      })
    : ''

export interface StepCall {
  readonly request: number
  /** Number of keys, keys, arguments. */
  readonly args: Argument[]
  /** The script's order → index in `completions`; null when they are the same. */
  readonly order: readonly number[] | null
}

/** Redis takes no fractions; 0 and below is "for ever". */
export const wholeSeconds = (expires: number): number => Math.max(0, Math.ceil(expires))

/** Index of the list in a tag: queue × 4 + priority step. */
const listOf = (tag: string): number => {
  const colon = tag.indexOf(':')
  return colon === -1 ? 0 : Number.parseInt(tag.slice(colon + 1), 10)
}

/** What is known of a delivery that began nowhere. */
export const firstNote = (tag: string): string => `0 - ${listOf(tag) & 3} -`

/** It is inside a gate. */
const isGated = (field: string): boolean => field.includes('g')

/** A result that lives for so many seconds, and nothing else; 0 for all that needs the long form. */
const plainSeconds = (completion: Completion): number => {
  const { ending, fence, results, pushes, chords, parts, joined, frees } = completion
  const [result] = results
  return ending.kind === 'ack' &&
    fence === undefined &&
    results.length === 1 &&
    pushes.length === 0 &&
    chords.length === 0 &&
    parts.length === 0 &&
    joined === undefined &&
    frees === undefined &&
    result?.state === 'SUCCESS' &&
    Number.isInteger(result.expires)
    ? result.expires
    : 0
}

/** Extra KEYS, each once; `pair` puts a queue's redo list behind its list. */
const keyring = (keys: string[]) => {
  const places = new Map<string, number>()
  const place = (key: string, behind?: string): number => {
    let at = places.get(key)
    if (at === undefined) {
      at = keys.push(key)
      if (behind !== undefined) keys.push(behind)
      places.set(key, at)
    }
    return at
  }
  return place
}

/** `queueOrder` are indexes of `context.queues`, the next to be served first. */
export const buildStep = (
  context: StepContext,
  lane: string,
  request: number,
  completions: readonly Completion[],
  slots: number,
  lookAtRedo: boolean,
  queueOrder: readonly number[],
): StepCall => {
  const { keys, databases, queues, fieldOf, sharing } = context
  const names: string[] = [keys.consumer(context.id)]
  for (const index of queueOrder) names.push(keys.redo(queues[index] as string))
  for (let step = 0; step < 4; step++)
    for (const index of queueOrder) names.push(keys.list(queues[index] as string, step))

  const plain: string[] = []
  const plainIndexes: number[] = []
  const others: Argument[] = []
  const otherIndexes: number[] = []
  let seconds = 0
  let place: ((key: string, behind?: string) => number) | null = null
  for (let i = 0; i < completions.length; i++) {
    const completion = completions[i] as Completion
    const field = fieldOf(completion.tag)
    const marked = (context.gated && isGated(field)) || (sharing !== '' && isListed(field))
    const expires = marked || isFar(databases) ? 0 : plainSeconds(completion)
    if (expires > 0 && (seconds === 0 || seconds === expires)) {
      seconds = expires
      const result = completion.results[0] as Completion['results'][number]
      plain.push(fieldOf(completion.tag), keys.result(result.taskId), result.text)
      plainIndexes.push(i)
    } else {
      place ??= keyring(names)
      describe(context, request, completion, place, others, i)
      otherIndexes.push(i)
    }
  }

  if (sharing !== '') names.push(keys.unacked, keys.unackedIndex)
  const args: Argument[] = [names.length, ...names]
  args.push(lane, request, slots, lookAtRedo ? '1' : '0', queueOrder.length)
  args.push(plainIndexes.length, otherIndexes.length, seconds, databases.broker, databases.written, sharing)
  args.push(...gateArgs(context))
  for (const index of queueOrder) args.push(index)
  for (const word of plain) args.push(word)
  for (const word of others) args.push(word)
  return { request, args, order: otherIndexes.length === 0 ? null : [...plainIndexes, ...otherIndexes] }
}

const gateArgs = ({ gated, keys, id }: StepContext): readonly string[] => (gated ? [keys.base, id] : ['', ''])

/** A step that claims from what was set aside for a task: its list stands where the redo list would. */
export const buildPull = (
  context: StepContext,
  lane: string,
  request: number,
  queue: string,
  task: string,
  slots: number,
): StepCall => {
  const { keys, databases, queues, id } = context
  const args: Argument[] = [2, keys.consumer(id), keys.parkedPrefix(queue) + task]
  args.push(lane, request, slots, '2', 1, 0, 0, 0, databases.broker, databases.written)
  args.push('', ...gateArgs(context), queues.indexOf(queue))
  return { request, args, order: null }
}

const noNotes: readonly string[] = []

/** Everything but a plain success: the long form. */
const describe = (
  context: StepContext,
  request: number,
  {
    tag,
    ending,
    fence,
    results,
    pushes,
    chords,
    errands = [],
    grown = [],
    parts,
    joined = [],
    pages = [],
    frees = [],
    releases = [],
  }: Completion,
  place: (key: string, behind?: string) => number,
  out: Argument[],
  index: number,
): void => {
  const { keys, id, hostname, queues, deadLetterMax, deadLetterExpires, fieldOf } = context
  // A SUCCESS that is stored already refuses the run whose own result it is; beside it, only that is left out.
  const isOwn = ({ taskId }: { taskId: string }): boolean =>
    fence !== undefined ? fence.startsWith(`${taskId}:`) : parts.length === 0 && results.length === 1
  const own = results.find(isOwn)
  const ordered = own === undefined ? results : [own, ...results.filter((result) => result !== own)]

  const field = fieldOf(tag)
  const listed = context.sharing !== '' && isListed(field)
  const goesBack = listed && (ending.kind === 'requeue' || ending.kind === 'back')
  out.push(field, goesBack ? 'put' : ending.kind, fence === undefined ? '' : keys.done(fence))
  const notes = errands.length === 0 ? noNotes : errandWords(keys, context.databases, errands)
  const opened = chords.length + grown.length + notes.length / 2
  // One word of all counts: an argument costs more than a few digits in another.
  out.push(
    `${parts.length} ${ordered.length} ${pushes.length} ${opened} ${joined.length} ` +
      `${pages.length} ${frees.length} ${releases.length} ${own === undefined ? 0 : 1}`,
  )

  const list = listOf(tag)
  const queue = queues[list >> 2] as string
  const step = list & 3
  const past = ending.kind === 'ack' ? null : pastHere(context, tag)
  const note =
    past === null ? `0 - ${step} ${hostname}` : `${past.attempts} ${past.flag} ${step} ${past.worker}`
  if (goesBack) {
    out.push(place(keys.list(queue, step), keys.redo(queue)), ending.kind === 'back' ? 'RPUSH' : 'LPUSH')
    out.push(markedText(context, tag, ending.kind === 'back'))
  }
  switch (ending.kind) {
    case 'ack':
      break
    case 'requeue':
      if (!goesBack) out.push(place(keys.list(queue, step), keys.redo(queue)))
      break
    case 'back':
      if (!goesBack) out.push(place(keys.redo(queue)), note)
      break
    case 'park':
      out.push(
        place(keys.parkedPrefix(queue) + ending.task, keys.limited(queue)),
        ending.task,
        past === null ? `0 - ${step} -` : note,
      )
      break
    case 'defer':
      out.push(place(keys.eta(queue)), Math.ceil(ending.dueMs))
      out.push(listed ? unackedTag(id, tag) : `${id}:${tag}`, note)
      break
    case 'dead':
      out.push(place(keys.dead), `${id}-${Number.parseInt(tag, 10)}`, queue, ending.reason)
      out.push(ending.taskId ?? '', ending.task ?? '', deadLetterMax, Math.ceil(deadLetterExpires), note)
      break
  }
  for (const { taskId, text, expires } of ordered)
    out.push(writtenAs(keys, context.databases, taskId), text, wholeSeconds(expires))
  for (let i = 0; i < pushes.length; i++) {
    const push = pushes[i] as Completion['pushes'][number]
    const dueMs = keys.dueOf(push)
    if (push.fanout !== undefined) {
      out.push(place(targetOf(keys, context.databases, push)), toAll, push.raw)
    } else if (dueMs === undefined) {
      out.push(place(keys.list(push.queue, stepOf(push.priority)), keys.redo(push.queue)), '', push.raw)
    } else {
      const text = heldText(`${id}:${request}:${index}:${i}`, push)
      out.push(place(keys.eta(push.queue)), Math.ceil(dueMs), text)
    }
  }
  for (const { groupId, size } of chords) out.push(keys.chord(groupId, 's'), size)
  for (const { groupId } of grown) out.push(keys.chord(groupId, 't'), '+1')
  for (const word of notes) out.push(word)
  for (const part of parts) {
    const { groupId, bodyId, index, taskId, member } = part
    out.push(keys.resultPrefix, groupId, bodyId, index ?? '+inf', taskId, member)
  }
  for (const key of joined) out.push(keys.taken(key), keys.seen(key))
  for (const { graph, page, text } of pages) out.push(keys.graph(graph), page, text)
  for (const { graph, page } of frees) out.push(keys.graph(graph), page)
  for (const staged of releases) out.push(keys.stage(staged))
}

/** Of a message of a shared queue, which tells it itself; others have it in the consumer's hash. */
const pastHere = ({ rawOf, sharing }: StepContext, tag: string): Past | null => {
  const raw = sharing === '' ? undefined : rawOf(tag)
  return raw === undefined ? null : pastOf(raw.toString('utf8'))
}

/** Given back by its own worker, uncounted; as new where user code wants it to be. */
const markedText = ({ rawOf, hostname }: StepContext, tag: string, keepsPast: boolean): string => {
  const raw = rawOf(tag)?.toString('utf8')
  if (raw === undefined) return ''
  const fresh: Past = { attempts: 0, flag: '-', worker: hostname }
  return markRedelivered(raw, keepsPast ? (pastOf(raw) ?? fresh) : fresh)
}

const newline = 0x0a

/** As nearly all are: delivered for the first time. One shape, and nothing asked. */
const firstDelivery = (queue: string, tag: string, raw: Buffer): Delivery => ({
  tag,
  queue,
  raw,
  attempts: 0,
  redelivered: false,
  uncertain: false,
  lost: false,
  lastWorker: null,
})

const toDelivery = (queues: readonly string[], tag: string, value: Buffer): Delivery => {
  const queue = queues[listOf(tag) >> 2] as string
  const past = tag.endsWith('s') ? pastOf(value.toString('utf8')) : null
  if (past !== null)
    return {
      tag,
      queue,
      raw: value,
      attempts: past.attempts,
      redelivered: true,
      uncertain: past.flag === 'm',
      lost: false,
      lastWorker: past.worker === '-' ? null : past.worker,
    }
  const gated = isGated(tag)
  const held = gated ? value.subarray(value.indexOf(newline) + 1) : value
  if (!tag.includes('r'))
    return gated ? { ...firstDelivery(queue, tag, held), gated } : firstDelivery(queue, tag, held)
  const cut = held.indexOf(newline)
  const [attempts, flag, , ...worker] = held.toString('utf8', 0, cut).split(' ')
  const lastWorker = worker.join(' ')
  return {
    tag,
    queue,
    ...(gated && { gated }),
    raw: held.subarray(cut + 1),
    attempts: Number(attempts),
    redelivered: lastWorker !== '-',
    // (Behind it may stand a gate, which speaks to others: lua/gate.lua.)
    uncertain: flag?.[0] === 'm',
    lost: flag?.[0] === 'e',
    lastWorker: lastWorker === '-' ? null : lastWorker,
  }
}

const text = (reply: Reply | undefined): string => String(reply)

/** The reply of a step that was neither lost nor stale. */
export const readStep = (queues: readonly string[], call: StepCall, reply: readonly Reply[]): StepReply => {
  const [head, ...values] = reply as [Reply, ...Buffer[]]
  const deliveries: Delivery[] = []
  if (!Array.isArray(head)) {
    for (let i = 0; i < values.length; i++)
      deliveries.push(firstDelivery(queues[0] as string, String(call.request + i), values[i] as Buffer))
    return { refused: [], joins: [], deliveries }
  }
  const [fields, refused, joins] = head as [Buffer[], number[], [number, Buffer, Buffer, Buffer[]][]]
  const original = (index: number): number => call.order?.[index] ?? index
  for (let i = 0; i < values.length; i++)
    deliveries.push(toDelivery(queues, text(fields[i]), values[i] as Buffer))
  return {
    refused: refused.map(original),
    joins: joins.map(
      ([completion, groupId, bodyId, members]): Join => ({
        completion: original(completion),
        groupId: text(groupId),
        bodyId: text(bodyId),
        members: members.map(text),
      }),
    ),
    deliveries,
  }
}
