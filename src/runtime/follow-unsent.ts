// The task has succeeded, but something that follows it cannot be sent: no queue, no such signature, arguments that
// do not travel. The result counts all the same, and what can be sent is sent; the rest has failed without having
// run, and whoever waits for it is told.
import type { SignatureJson } from '../canvas/wire.js'
import type { Node } from '../canvas/node.js'
import type { FollowContext } from './continue.js'
import { followSuccess } from './follow.js'
import { failWhole } from './follow-join.js'
import { freeze, withOptions } from './freeze.js'
import type { Message } from './message.js'
import type { Plan, Step } from './plan.js'
import { legible } from './remains.js'

/** One thing that follows a message: a callback, or the next step of its chain. */
export type Follower =
  | { readonly kind: 'callback'; readonly index: number; readonly json: SignatureJson }
  | { readonly kind: 'next'; readonly json: SignatureJson }

export interface Unsent {
  readonly follower: Follower
  readonly error: unknown
}

const followersOf = ({ embed: { callbacks, chain } }: Message): readonly Follower[] => {
  const next = chain?.at(-1)
  return [
    ...(callbacks ?? []).map((json, index) => ({ kind: 'callback', index, json }) as const),
    ...(next === undefined ? [] : [{ kind: 'next', json: next } as const]),
  ]
}

/** The message, followed by this alone. */
const followedBy = (message: Message, follower: Follower): Message => ({
  ...message,
  embed: {
    ...message.embed,
    chord: null,
    callbacks: follower.kind === 'callback' ? [follower.json] : null,
    chain: follower.kind === 'next' ? message.embed.chain : null,
  },
})

/** What of it cannot be sent; `prepare` rejects for such a plan, and sends nothing. */
export const findUnsent = async (
  message: Message,
  value: unknown,
  context: FollowContext,
  prepare: (plan: Plan) => unknown,
): Promise<readonly Unsent[]> => {
  const unsent: Unsent[] = []
  for (const follower of followersOf(message))
    try {
      await prepare(followSuccess(followedBy(message, follower), value, context))
    } catch (error) {
      unsent.push({ follower, error })
    }
  return unsent
}

export const followWithout = (
  message: Message,
  value: unknown,
  unsent: readonly Unsent[],
  context: FollowContext,
): Plan => {
  const { callbacks, chain } = message.embed
  const lost = unsent.map(({ follower }) => follower)
  const isLost = (index: number): boolean =>
    lost.some((follower) => follower.kind === 'callback' && follower.index === index)
  const left = (callbacks ?? []).filter((_, index) => !isLost(index))
  const embed = {
    ...message.embed,
    callbacks: left.length === 0 ? null : left,
    chain: lost.some(({ kind }) => kind === 'next') ? null : chain,
  }
  const steps = [...followSuccess({ ...message, embed }, value, context).steps]
  const end = steps.pop() as Step
  for (const { follower, error } of unsent) {
    const node = nodeOf(message, follower, context)
    if (node !== undefined) steps.push(...failWhole(node, error, true, message, context))
  }
  return { steps: [...steps, end] }
}

/** What will never run: the follower with what stands behind it. */
const nodeOf = (message: Message, follower: Follower, { mint }: FollowContext): Node | undefined => {
  try {
    // An errback is told an id: what has none gets one.
    const { node } = freeze(legible(follower.json).node, {}, null, mint)
    if (follower.kind === 'callback') return node
    const behind = (message.embed.chain ?? []).slice(0, -1).map((json) => legible(json).node)
    return withOptions(node, { chain: [...behind, ...(node.options.chain ?? [])] })
  } catch {
    return undefined
  }
}
