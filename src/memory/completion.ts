// The end of one delivery, with everything that follows from it: written whole or refused whole.
import type { Completion, Join } from '../runtime/consumer.js'
import type { StoredText } from '../runtime/publication.js'
import { closeChord, growChord, hasReported, isTaken, openChord, report } from './chords.js'
import { bury } from './dead.js'
import type { Draft } from './draft.js'
import { live, watchExpiry } from './expiry.js'
import { freePages, keepPages } from './graphs.js'
import { goBack, leave } from './gates.js'
import { enqueue, giveBack, holdBack, park, push } from './queues.js'
import { isSettled, write } from './results.js'
import type { ConsumerRecord, Held, Message } from './records.js'

/** How long a message's end is remembered: a second message of the same id may come that much later. */
const markerMs = 3_600_000

/** The result of the task whose message this is, not of another one that follows from it. */
const ownResult = ({ fence, parts, joined = [], results }: Completion): StoredText | undefined => {
  if (fence !== undefined) return results.find(({ taskId }) => fence.startsWith(`${taskId}:`))
  return parts.length === 0 && joined.length === 0 && results.length === 1 ? results[0] : undefined
}

/**
 * Does somebody else's run count already? Its memory is a marker, the chord's list of task ids, the chord
 * whose body is out; where the run was a plain SUCCESS, it is the stored result. A stored SUCCESS says
 * nothing against a part that was not counted: then a Python peer stored it and died before it reported.
 */
const isRefused = (draft: Draft, completion: Completion): boolean => {
  const { fence, parts, joined = [] } = completion
  if (!joined.every((key) => isTaken(draft, key))) return true
  if (fence !== undefined && live(draft, 'markers', fence)) return true
  if (parts.some((part) => !hasReported(draft, part))) return false
  if (parts.length > 0 && fence === undefined) return true
  const own = ownResult(completion)
  return own !== undefined && isSettled(draft, own.taskId)
}

const mark = (draft: Draft, fence: string | undefined): void => {
  if (fence === undefined || live(draft, 'markers', fence)) return
  const expiresMs = draft.nowMs + markerMs
  watchExpiry(draft, { table: 'markers', key: fence }, expiresMs)
  draft.set('markers', fence, { expiresMs })
}

/** What is known of a held message when it goes back by its own worker's wish: nothing is counted. */
const uncounted = ({ message, released, joining }: Held, hostname: string): Message => ({
  ...message,
  standing: joining ? 'uncertain' : released ? 'lost' : message.standing,
  worker: message.worker ?? hostname,
})

/** Its worker has started it more often than anybody else knows: what ran it there was lost. */
const counted = (held: Held, hostname: string, starts = 0): Held =>
  starts <= held.message.attempts
    ? held
    : { ...held, message: { ...held.message, attempts: starts, standing: 'clear', worker: hostname } }

const end = (
  draft: Draft,
  id: string,
  consumer: ConsumerRecord,
  held: Held,
  { ending, tag }: Completion,
): void => {
  if (ending.kind === 'requeue')
    enqueue(draft, { ...held.message, attempts: 0, standing: 'clear', worker: null })
  else if (ending.kind === 'back')
    giveBack(draft, uncounted(counted(held, consumer.hostname, ending.starts), consumer.hostname))
  else if (ending.kind === 'defer') holdBack(draft, uncounted(held, consumer.hostname), ending.dueMs)
  else if (ending.kind === 'park')
    park(draft, { ...uncounted(held, consumer.hostname), worker: held.message.worker }, ending.task)
  else if (ending.kind === 'dead') {
    const { message } = counted(held, consumer.hostname, ending.starts)
    const worker = message.worker ?? consumer.hostname
    bury(draft, consumer, `${id}:${tag}`, { ...message, worker }, ending)
  }
}

/** The chords that this completes; null when it is refused. */
export const complete = (
  draft: Draft,
  id: string,
  consumer: ConsumerRecord,
  completion: Completion,
): readonly Omit<Join, 'completion'>[] | null => {
  const { tag } = completion
  const held = draft.getIn('held', id, tag)
  if (held === undefined) return null
  draft.setIn('held', id, tag, undefined)
  const joins = isRefused(draft, completion) ? null : commit(draft, id, consumer, held, completion)
  // Of a message whose end was refused it is known as well that it has ended.
  mark(draft, completion.fence)
  const { gate } = held
  // Its place is free with its end; who goes back keeps it, and who waits for its rate: nobody overtakes it.
  if (gate !== undefined && ['back', 'park'].includes(completion.ending.kind))
    goBack(draft, gate, held.message)
  else if (gate !== undefined && (joins === null || joins.length === 0)) leave(draft, gate)
  return joins
}

const commit = (
  draft: Draft,
  id: string,
  consumer: ConsumerRecord,
  held: Held,
  completion: Completion,
): readonly Omit<Join, 'completion'>[] => {
  const { tag, results, pushes, chords, grown = [], parts, joined = [], pages, frees } = completion
  for (const key of joined) closeChord(draft, key)
  for (const result of results) write(draft, result)
  for (const chord of chords) openChord(draft, chord)
  for (const key of grown) growChord(draft, key)
  const joins = parts.flatMap((part) => {
    const members = report(draft, part)
    return members === null ? [] : [{ groupId: part.groupId, bodyId: part.bodyId, members }]
  })
  keepPages(draft, pages)
  freePages(draft, frees)
  for (const each of pushes) push(draft, each)
  // The last part of a chord does not end its message: that happens together with the body's publication.
  if (joins.length > 0) draft.setIn('held', id, tag, { ...held, joining: true })
  else end(draft, id, consumer, held, completion)
  return joins
}
