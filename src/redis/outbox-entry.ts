// What lies in the outbox, read: results, and what concerns chords that stand on the server of the results. Each is
// `<kind> <bytes of the head> <head><texts>` (lua/outbox.lua). Pure.
import type { Keys } from './keys.js'

/** `text`: the result; of a part its member, of what is added nothing. */
interface Delivered {
  readonly head: Buffer
  /** Seconds that a result lives, '-' where one is to be forgotten, 'part', 'more'. */
  readonly kind: string
  readonly text: Buffer
}

export interface OutboxEntry extends Delivered {
  /** What goes on at the broker when it has been delivered: a part's message, all that is added. Else nothing. */
  readonly behind: Buffer
}

type PartHead = readonly [
  prefix: string,
  groupId: string,
  bodyId: string,
  index: string,
  taskId: string,
  queue: string,
  memberBytes: number,
]

const nothing = Buffer.alloc(0)

export const readEntry = (entry: Buffer): OutboxEntry => {
  const first = entry.indexOf(' ')
  const second = entry.indexOf(' ', first + 1)
  const from = second + 1
  const to = from + Number(entry.toString('latin1', first + 1, second))
  const kind = entry.toString('latin1', 0, first)
  const head = entry.subarray(from, to)
  const rest = entry.subarray(to)
  if (kind === 'part') {
    const memberBytes = partOf(head)[6]
    return { kind, head, text: rest.subarray(0, memberBytes), behind: rest.subarray(memberBytes) }
  }
  const isMore = kind === 'more'
  return { kind, head, text: isMore ? nothing : rest, behind: isMore ? rest : nothing }
}

const partOf = (head: Buffer): PartHead => JSON.parse(String(head)) as PartHead

/** What the script that delivers is told (lua/deliver.lua). */
export const deliverWords = (entries: readonly OutboxEntry[]): readonly (Buffer | string)[] =>
  entries.flatMap(({ head, kind, text }) => [head, kind, text])

/** A chord whose last part was delivered: which entry that was, and all members. */
export type FarJoin = readonly [entry: number, members: readonly Buffer[]]

/** What the script that unloads is told behind its numbers (lua/unload.lua). */
export const unloadWords = (
  keys: Keys,
  entries: readonly OutboxEntry[],
  joins: readonly FarJoin[],
): readonly (Buffer | string | number)[] => {
  const messages = entries.flatMap(addedIn)
  const bodies = joins.flatMap(([entry, members]) => {
    const { head, behind } = entries[entry] as OutboxEntry
    const [, groupId, bodyId, , taskId, queue] = partOf(head)
    const chord = { groupId, bodyId }
    return [keys.taken(chord), keys.seen(chord), taskId, keys.redo(queue), behind, members.length, ...members]
  })
  return [messages.length / 3, ...messages, ...bodies]
}

/** The messages of what was added to a chord, each with its list and the redo list of that. */
const addedIn = ({ kind, head, behind }: OutboxEntry): readonly (Buffer | string)[] => {
  if (kind !== 'more') return []
  const [, ...words] = JSON.parse(String(head)) as readonly [string, ...(string | number)[]]
  const messages: (Buffer | string)[] = []
  let from = 0
  for (let at = 0; at < words.length; at += 3) {
    const to = from + Number(words[at + 2])
    messages.push(String(words[at]), String(words[at + 1]), behind.subarray(from, to))
    from = to
  }
  return messages
}
