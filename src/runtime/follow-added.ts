// The steps of what a task wanted to be sent with its end.
import type { SignatureOptions } from '../canvas/node.js'
import { fromJSON } from '../canvas/wire.js'
import type { Addition } from './addition.js'
import { continueWith, type FollowContext } from './continue.js'
import { bodySteps } from './follow-join.js'
import type { Message } from './message.js'
import { ownPlace } from './parts.js'
import type { Step } from './plan.js'
import { asOne } from './single.js'

/** The steps of all of them. What is sent is a child of the task that added it; see `sent` there. */
export const additionSteps = (message: Message, context: FollowContext): readonly Step[] => {
  const looking = { ...context, looksAhead: true }
  return context.added.flatMap((addition) => {
    if (addition.do === 'join') return bodySteps(addition.body, addition.members, message, context)
    if (addition.toChord !== true)
      return continueWith(addition.node, addition.args, addition.options, message, looking).steps
    return chordSteps(addition, message, looking)
  })
}

const chordSteps = (
  { node, args, options }: Extract<Addition, { do: 'send' }>,
  message: Message,
  context: FollowContext,
): readonly Step[] => {
  const place = ownPlace(message)
  const { chord } = message.embed
  if (place === undefined || chord === null) return []
  const { groupId, bodyId, index } = place
  const seat: SignatureOptions = {
    ...options,
    groupId,
    ...(index !== null && { groupIndex: index }),
    chord: fromJSON(chord),
  }
  const sent = continueWith(asOne(node), args, seat, message, context)
  return [{ do: 'grow-chord', chord: { groupId, bodyId } }, ...sent.steps]
}
