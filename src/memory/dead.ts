// Dead letters: bounded in number and age, the oldest leave first.
import type { Ending } from '../runtime/broker.js'
import { type Deque, dequeToArray, emptyDeque, popFront, pushBack } from './deque.js'
import type { Draft } from './draft.js'
import type { OperationOf } from './operations.js'
import { type ConsumerRecord, type Letter, type Message, theOne } from './state.js'

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

export const purgeDead = (draft: Draft): number => {
  const count = lying(draft).length
  if (draft.get('dead', theOne)) draft.set('dead', theOne, undefined)
  return count
}
