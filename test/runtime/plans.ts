// What the tests of the deciders share: an origin whose ids are counted, the messages of a plan as a worker
// would read them, and a message as it is when a worker has it in hand.
import * as Either from 'fp-ts/lib/Either.js'
import { readSettings } from '../../src/config.js'
import type { FollowContext } from '../../src/runtime/continue.js'
import { encodeMessage } from '../../src/runtime/envelope.js'
import { decodeMessage, type Message } from '../../src/runtime/message.js'
import type { Origin } from '../../src/runtime/outgoing.js'
import type { Outgoing, Plan, Step } from '../../src/runtime/plan.js'
import { Registry } from '../../src/runtime/registry.js'
import { Router } from '../../src/runtime/router.js'

export const nowMs = Date.parse('2026-11-20T12:00:00Z')

/** Ids that look like ids, in order. */
export const counter = (): (() => string) => {
  let count = 0
  return () => {
    count += 1
    return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`
  }
}

export const originOf = (more: Partial<Origin> = {}): Origin => ({ mint: counter(), nowMs, ...more })

export const contextOf = (more: Partial<FollowContext> = {}): FollowContext => ({
  mint: counter(),
  nowMs,
  ignoreResult: false,
  ignores: ({ options }) => options['ignore_result'] === true,
  storeErrorsEvenIfIgnored: false,
  children: [],
  added: [],
  inheritPriority: false,
  queue: 'celery',
  ...more,
})

type Kind = Step['do']
type Of<K extends Kind> = Extract<Step, { readonly do: K }>

export const stepsOf = <K extends Kind>({ steps }: Plan, kind: K): readonly Of<K>[] =>
  steps.filter((step): step is Of<K> => step.do === kind)

export const outgoingOf = (plan: Plan): readonly Outgoing[] =>
  stepsOf(plan, 'publish').map(({ message }) => message)

/** The texts that a plan sends, in its order. */
export const rawsOf = (plan: Plan): readonly string[] =>
  outgoingOf(plan).map((outgoing) => {
    const { message, address } = router.route(outgoing, nowMs)
    return encodeMessage(message, address, nowMs)
  })

const router = new Router(readSettings({}), new Registry())

export const envelopesOf = (plan: Plan): readonly Record<string, unknown>[] =>
  rawsOf(plan).map((raw) => JSON.parse(raw) as Record<string, unknown>)

export const read = (raw: string): Message => {
  const decoded = decodeMessage(Buffer.from(raw))
  if (Either.isLeft(decoded)) throw decoded.left.error
  return decoded.right
}

/** The messages of a plan, as the workers get them. */
export const messagesOf = (plan: Plan): readonly Message[] => rawsOf(plan).map(read)
