// What a step says to its script of a completion that is more than a plain success (lua/step.lua): words, and places
// in the list of keys. Pure.
import type { Completion, Ending } from '../runtime/consumer.js'
import type { ChordKey } from '../runtime/publication.js'
import { errandWords } from './errands.js'
import { isFar, stepOf, writtenAs } from './keys.js'
import { heldText, targetOf, toAll } from './publication.js'
import { isListed, markRedelivered, type Past, pastOf, unackedTag } from './shared.js'
import type { StepContext } from './step-context.js'
import { listOf } from './tag.js'

/** Redis takes no fractions; 0 and below is "for ever". */
export const wholeSeconds = (expires: number): number => Math.max(0, Math.ceil(expires))

/** A key's place among KEYS, with others that stand behind it. */
export type Place = (key: string, ...behind: readonly string[]) => number

const noNotes: readonly string[] = []
const noChords: readonly ChordKey[] = []

const isAmong = (chords: readonly ChordKey[], group: string): boolean =>
  chords.some(({ groupId }) => groupId === group)

const without = (chords: readonly ChordKey[], others: readonly ChordKey[]): readonly ChordKey[] =>
  chords.filter(({ groupId }) => !isAmong(others, groupId))

/** Everything but a plain success: the long form. */
export const describeCompletion = (
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
    mixed = noChords,
    parts,
    joined = [],
    pages = [],
    frees = [],
    releases = [],
  }: Completion,
  place: Place,
  out: (string | number)[],
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
  const notes = errands.length === 0 ? noNotes : errandWords(keys, errands)
  const there = mixed.length > 0 && isFar(context.databases) ? mixed : noChords
  const moving = there.length === 0 ? noChords : without(there, chords)
  const opened = chords.length + grown.length + moving.length + notes.length / 2
  // One word of all counts: an argument costs more than a few digits in another.
  out.push(
    `${parts.length} ${ordered.length} ${pushes.length} ${opened} ${joined.length} ` +
      `${pages.length} ${frees.length} ${releases.length} ${own === undefined ? 0 : 1}`,
  )

  const list = listOf(tag)
  const queue = queues[list >> 2] as string
  const step = list & 3
  const past = ending.kind === 'ack' ? null : pastHere(context, tag)
  const starts = startsOf(ending)
  const note =
    past === null || starts > past.attempts
      ? `${starts} - ${step} ${hostname}`
      : `${past.attempts} ${past.flag} ${step} ${past.worker}`
  if (goesBack) {
    out.push(place(keys.list(queue, step), keys.redo(queue)), ending.kind === 'back' ? 'RPUSH' : 'LPUSH')
    out.push(markedText(context, tag, ending.kind === 'back', starts))
  }
  switch (ending.kind) {
    case 'ack':
      break
    case 'requeue':
      if (!goesBack) out.push(place(keys.list(queue, step), keys.redo(queue)))
      break
    case 'back':
      if (!goesBack) out.push(place(keys.redo(queue), keys.list(queue, step)), note)
      break
    case 'park':
      out.push(
        place(keys.parkedPrefix(queue) + ending.task, keys.limited(queue), keys.eta(queue)),
        ending.task,
        past === null ? `0 - ${step} -` : note,
      )
      break
    case 'defer':
      out.push(place(keys.eta(queue), keys.redo(queue)), Math.ceil(ending.dueMs))
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
      out.push(place(keys.eta(push.queue), keys.redo(push.queue)), Math.ceil(dueMs), text)
    }
  }
  for (const { groupId, size } of chords)
    out.push(keys.chord(groupId, 's'), isAmong(there, groupId) ? `>>${size}` : size)
  for (const { groupId } of grown) out.push(keys.chord(groupId, 't'), '+1')
  for (const { groupId, bodyId } of moving) out.push(keys.chord(groupId, 's'), `>${bodyId}`)
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

/** Given back by its own worker; as new where user code wants it to be. */
const markedText = (
  { rawOf, hostname }: StepContext,
  tag: string,
  keepsPast: boolean,
  starts: number,
): string => {
  const raw = rawOf(tag)?.toString('utf8')
  if (raw === undefined) return ''
  const ours: Past = { attempts: keepsPast ? starts : 0, flag: '-', worker: hostname }
  const past = keepsPast ? pastOf(raw) : null
  return markRedelivered(raw, past === null || starts > past.attempts ? ours : past)
}

/** What its worker has counted itself. */
const startsOf = (ending: Ending): number => ('starts' in ending ? (ending.starts ?? 0) : 0)
