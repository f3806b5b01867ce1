// Chord parts: to which chords the end of a message is told, and the words of it. A chord stands in the
// message of each of its header tasks; what waits behind a message may report too, when it will never run.
import type { Node } from '../canvas/node.js'
import type { ChordKey, ChordPart } from './publication.js'
import { bodyIdOf } from './freeze.js'
import type { Message } from './message.js'
import { endIdIn, legible } from './remains.js'

/** A place in a chord's header. */
export interface Place extends ChordKey {
  readonly taskId: string
  readonly index: number | null
}

/** A place, and what runs when all places are filled. */
export interface Seat extends Place {
  readonly body: Node
  /** Why it never runs: nobody can read it, and `body` is what is left of it. */
  readonly flaw?: Error
}

/** `[1, "<id>", "<state>", <result>]`: bytes are compared by Python, so `result` is Python's text. */
export const partOf = (
  { groupId, bodyId, taskId, index }: Place,
  state: string,
  result: string,
): ChordPart => ({
  groupId,
  bodyId,
  taskId,
  index,
  member: `[1, ${JSON.stringify(taskId)}, "${state}", ${result}]`,
})

/** Where the message itself reports. */
export const ownPlace = ({
  id,
  groupId,
  groupIndex,
  embed,
}: Pick<Message, 'id' | 'groupId' | 'groupIndex' | 'embed'>): Place | undefined =>
  embed.chord === null || groupId === null
    ? undefined
    : { groupId, bodyId: endIdIn(embed.chord), taskId: id, index: groupIndex }

/** Where the ends of a canvas report that has not run. `chord`: what was said around it wins. */
export const seatsOf = (node: Node, chord = node.options.chord): readonly Seat[] => {
  const behind = (node.options.chain ?? []).flatMap((step) => seatsOf(step))
  switch (node.kind) {
    case 'chain': {
      const last = node.tasks.at(-1)
      return last === undefined ? behind : [...seatsOf(last, chord ?? last.options.chord), ...behind]
    }
    case 'chord':
      return [...seatsOf(node.body, chord ?? node.body.options.chord), ...behind]
    case 'group':
      return [...node.tasks.flatMap((task) => seatsOf(task, chord ?? task.options.chord)), ...behind]
    default: {
      const { taskId, groupId, groupIndex } = node.options
      if (chord === undefined || taskId === undefined || groupId === undefined) return behind
      return [{ groupId, bodyId: bodyIdOf(chord), taskId, index: groupIndex ?? null, body: chord }, ...behind]
    }
  }
}

/** Every chord that the end of this message can fill the last place of: its own, those behind it, and outwards. */
export const seatsAround = (message: Message): readonly Seat[] => {
  const { embed } = message
  const own = ownPlace(message)
  const todo: Seat[] = (embed.chain ?? []).flatMap((json) => seatsOf(legible(json).node))
  if (own !== undefined && embed.chord !== null) {
    const { node: body, ...flaw } = legible(embed.chord)
    todo.push({ ...own, body, ...flaw })
  }
  const found: Seat[] = []
  for (let seat = todo.pop(); seat !== undefined; seat = todo.pop()) {
    const { groupId, bodyId, taskId } = seat
    if (
      found.some((known) => known.groupId === groupId && known.bodyId === bodyId && known.taskId === taskId)
    )
      continue
    found.push(seat)
    todo.push(...seatsOf(seat.body))
  }
  return found
}
