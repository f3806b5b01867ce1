// A gate lets at most so many messages of one key run at once, in the order in which they lie in their queues
// (the option `concurrencyKey`). Where a message belongs is written in a header of it, so that a claim can tell
// without decoding anything: who may not run yet is put in a line and delivered to nobody.
//
//   lovage_gate: "<limit> <who> <name>"      nothing in it needs escaping
import { createHash } from 'node:crypto'

export interface Gate {
  /** How many may be inside at once. */
  readonly limit: number
  /** The message: its task's id. */
  readonly who: string
  /** The task and the key. */
  readonly name: string
}

export const gateHeader = 'lovage_gate'

const longest = 200

const tame = (text: string): string => {
  const plain = encodeURIComponent(text)
  return plain.length > longest ? createHash('sha256').update(text).digest('hex') : plain
}

export const gateText = ({ limit, who, name }: Gate): string => `${limit} ${who} ${name}`

export const gateFor = (task: string, key: string, limit: number, id: string): Gate => ({
  limit,
  who: tame(id),
  name: `${tame(task)}:${tame(key)}`,
})

const marked = new RegExp(`"${gateHeader}": "([1-9]\\d*) ([^"\\s\\\\]+) ([^"\\s\\\\]+)"`)

/** The gate of a message as it lies in a queue, if we wrote one. Lua reads it by the same pattern. */
export const readGate = (raw: Buffer): Gate | undefined => {
  if (!raw.includes(gateHeader)) return undefined
  const [, limit, who, name] = marked.exec(raw.toString('latin1')) ?? []
  return name === undefined ? undefined : { limit: Number(limit), who: who as string, name }
}
