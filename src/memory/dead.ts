// Dead letters: bounded in number and age, the oldest leave first; one may go back to its queue as a new message.
import type { Ending } from '../runtime/consumer.js'
import type { Revived } from '../runtime/dead-letter.js'
import { isOpen, withdraw } from './chords.js'
import { type Deque, dequeToArray, emptyDeque, popFront, pushBack } from './deque.js'
import type { Draft } from './draft.js'
import type { OperationOf } from './operations.js'
import { live } from './expiry.js'
import { enqueue } from './queues.js'
import { theOne } from './keys.js'
import type { ConsumerRecord, Letter, Message } from './records.js'

const keep = (letters: Deque<Letter>, most: number, nowMs: number): Deque<Letter> => {
  let kept = letters
  for (let next = popFront(kept); next !== null; next = popFront(kept)) {
    if (kept.size <= most && next[0].expiresMs > nowMs) break
    kept = next[1]
  }
  return kept
}

export const bury = (
  draft: Draft,
  consumer: ConsumerRecord,
  id: string,
  message: Message,
  { reason, taskId, task }: Extract<Ending, { kind: 'dead' }>,
): void => {
  const letter: Letter = {
    id,
    queue: message.queue,
    step: message.step,
    reason,
    attempts: message.attempts,
    lastWorker: message.worker,
    diedAtMs: draft.nowMs,
    expiresMs: draft.nowMs + 1000 * consumer.deadLetterExpires,
    taskId: taskId ?? null,
    task: task ?? null,
    raw: message.raw,
  }
  const letters = pushBack(draft.get('dead', theOne) ?? emptyDeque<Letter>(), letter)
  const kept = keep(letters, consumer.deadLetterMax, draft.nowMs)
  draft.set('dead', theOne, kept.size === 0 ? undefined : kept)
}

const lying = (draft: Draft): Letter[] =>
  dequeToArray(draft.get('dead', theOne) ?? emptyDeque<Letter>()).filter(
    ({ expiresMs }) => expiresMs > draft.nowMs,
  )

export const deadLetters = (draft: Draft, { most }: OperationOf<'deadLetters'>): readonly Letter[] =>
  lying(draft).reverse().slice(0, most)

export const deadLetter = (draft: Draft, { id }: OperationOf<'deadLetter'>): Letter | null =>
  lying(draft).find((letter) => letter.id === id) ?? null

const keepOnly = (draft: Draft, letters: readonly Letter[]): void => {
  if (draft.get('dead', theOne) === undefined) return
  const kept = letters.reduce(pushBack, emptyDeque<Letter>())
  draft.set('dead', theOne, kept.size === 0 ? undefined : kept)
}

export const purgeDead = (draft: Draft, { ids }: OperationOf<'purgeDead'>): number => {
  const letters = lying(draft)
  const kept = ids === undefined ? [] : letters.filter(({ id }) => !ids.includes(id))
  keepOnly(draft, kept)
  return letters.length - kept.length
}

/** A new message: what its failure left behind goes in the same transition, so that its next end counts. */
export const revive = (draft: Draft, { id, fences, taskIds, parts }: OperationOf<'revive'>): Revived => {
  const letters = lying(draft)
  const letter = letters.find((each) => each.id === id)
  if (letter === undefined) return 'gone'
  const [own] = taskIds
  if (own !== undefined && live(draft, 'results', own)?.state === 'SUCCESS') return 'done'
  if (!parts.every((part) => isOpen(draft, part))) return 'joined'
  keepOnly(
    draft,
    letters.filter((each) => each !== letter),
  )
  for (const fence of fences) if (draft.get('markers', fence)) draft.set('markers', fence, undefined)
  for (const taskId of taskIds)
    if (live(draft, 'results', taskId)?.state === 'FAILURE') draft.set('results', taskId, undefined)
  for (const part of parts) withdraw(draft, part)
  const { raw, queue, step } = letter
  enqueue(draft, { raw, queue, step, attempts: 0, standing: 'clear', worker: null })
  return 'sent'
}
