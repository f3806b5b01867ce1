// A reference came as a message: a worker that is not ours has sent on what it could not read. What the reference
// stands for is sent in its place: with the arguments, and with what follows.
import type { ChainNode, SignatureOptions } from '../canvas/node.js'
import { fromJSON, type SignatureJson } from '../canvas/wire.js'
import { continueWith, type FollowContext, priorityOf } from './continue.js'
import type { Message } from './message.js'
import { ack } from './own-end.js'
import type { Plan } from './plan.js'

export const followResume = (message: Message, referred: SignatureJson, context: FollowContext): Plan => {
  const { id, args, embed, groupId, groupIndex, parentId } = message
  const { callbacks, errbacks, chain, chord } = embed
  const options: SignatureOptions = {
    taskId: id,
    ...(groupId !== null && { groupId }),
    ...(groupIndex !== null && { groupIndex }),
    ...(chord !== null && { chord: fromJSON(chord) }),
    ...(callbacks !== null && { link: callbacks.map((json) => fromJSON(json)) }),
    ...(errbacks !== null && { linkError: errbacks.map((json) => fromJSON(json)) }),
  }
  const common = { args: [], kwargs: {}, options, immutable: false }
  const whole: ChainNode = { kind: 'chain', tasks: [fromJSON(referred)], ...common }
  const call: SignatureOptions = {
    ...priorityOf(message, context),
    parentId: parentId ?? id,
    // The end has this message's id: that is another generation of it.
    replacedTaskNesting: message.replacedTaskNesting + 1,
    ...(chain !== null && { chain: chain.map((json) => fromJSON(json)) }),
  }
  const { steps } = continueWith(whole, args, call, message, context)
  return { steps: [...steps, { do: 'end', ending: ack }] }
}
