// What a step says to its script (lua/step.lua): claims, and completions, of which most are plain successes. Pure:
// the consumer's lanes send it, and step-reply.ts reads the answer.
import type { Completion } from '../runtime/consumer.js'
import { describeCompletion, type Place } from './completion-words.js'
import { isFar } from './keys.js'
import { isListed } from './shared.js'
import type { StepContext } from './step-context.js'
import { isGated } from './tag.js'

type Argument = string | number

export interface StepCall {
  readonly request: number
  /** Number of keys, keys, arguments. */
  readonly args: Argument[]
  /** The script's order → index in `completions`; null when they are the same. */
  readonly order: readonly number[] | null
}

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

/** Extra KEYS, each once; `behind` is where that goes for which there is no place under the key. */
const keyring = (keys: string[]): Place => {
  const places = new Map<string, number>()
  const place = (key: string, ...behind: readonly string[]): number => {
    let at = places.get(key)
    if (at === undefined) {
      at = keys.push(key)
      keys.push(...behind)
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
  let place: Place | null = null
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
      describeCompletion(context, request, completion, place, others, i)
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
