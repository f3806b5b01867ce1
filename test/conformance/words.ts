// Short words for what the sentences of the suite are about.
import type { Completion, Consumer, Delivery, Join, StepReply } from '../../src/runtime/consumer.js'
import type { ChordPart, Publication, Push, StoredText } from '../../src/runtime/publication.js'

export const push = (raw: string, options: Partial<Push> = {}): Push => ({
  queue: 'q',
  priority: 0,
  raw,
  ...options,
})

/** Plain messages for the queue `q`. */
export const messages = (...raws: readonly string[]): Publication => ({
  pushes: raws.map((raw) => push(raw)),
  chords: [],
})

/** Celery's text of a result. */
export const result = (taskId: string, state: string, value: unknown = null, expires = 60): StoredText => ({
  taskId,
  state,
  text: `{"status": "${state}", "result": ${JSON.stringify(value)}, "task_id": "${taskId}"}`,
  expires,
})

export const success = (taskId: string, value?: unknown): StoredText => result(taskId, 'SUCCESS', value)

/** The end of a delivery; an ack and nothing else unless told. */
export const end = ({ tag }: { readonly tag: string }, more: Partial<Completion> = {}): Completion => ({
  tag,
  ending: { kind: 'ack' },
  results: [],
  pushes: [],
  chords: [],
  parts: [],
  ...more,
})

export const chord = (size: number) => ({ groupId: 'group', bodyId: 'body', size })

export const theChord = { groupId: 'group', bodyId: 'body' }

/** What a header task reports. */
export const part = (taskId: string, index: number | null = null, value: unknown = index): ChordPart => ({
  ...theChord,
  taskId,
  index,
  member: `[1, "${taskId}", "SUCCESS", ${JSON.stringify(value)}]`,
})

export const raws = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ raw }) => raw.toString())

export const claim = async (consumer: Consumer, slots: number, lane = 0): Promise<readonly Delivery[]> =>
  (await consumer.step(lane, [], slots)).deliveries

/** Claims one message that must be there. */
export const claimOne = async (consumer: Consumer, lane = 0): Promise<Delivery> => {
  const [delivery] = await claim(consumer, 1, lane)
  if (delivery === undefined) throw new Error('Expected a message in the queue, found none.')
  return delivery
}

/** Completes, claims nothing. */
export const complete = (consumer: Consumer, ...completions: readonly Completion[]): Promise<StepReply> =>
  consumer.step(0, completions, 0)

export const onlyJoin = (joins: readonly Join[]): Join => {
  const [join] = joins
  if (join === undefined || joins.length > 1) throw new Error(`Expected one join, got ${joins.length}.`)
  return join
}

/** What the first of its waits brings that brings anything: a wait may end empty at any time. */
export const waited = async (consumer: Consumer, slots = 1): Promise<readonly Delivery[]> => {
  for (;;) {
    const got = await consumer.wait(slots)
    if (got.length > 0) return got
  }
}
