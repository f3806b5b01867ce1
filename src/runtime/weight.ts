// How much a canvas weighs as JSON: about how many bytes, and how many levels of nesting. An estimate, so that
// nobody has to write a canvas out to learn whether it is small.
import type { Node, SignatureOptions } from '../canvas/node.js'

export interface Weight {
  readonly bytes: number
  readonly levels: number
}

/** `{"task": "", "args": [], "kwargs": {}, "options": {}, "subtask_type": null, "immutable": false}` */
const emptySignature = 90
/** What stands deeper is refused where it is written. */
const mostDepth = 300
const nested = ['link', 'linkError', 'chain', 'chord'] as const

/** An object or a list, and what it stands in. */
interface Within {
  readonly value: object
  readonly up: Within | null
}

const contains = (within: Within | null, value: object): boolean => {
  for (let at = within; at !== null; at = at.up) if (at.value === value) return true
  return false
}

/** What contains itself weighs nothing the second time: it travels as a reference, or is refused where it is written. */
const bytesOf = (value: unknown, up: Within | null = null, level = 0): number => {
  if (typeof value === 'string') return value.length + 2
  if (value === null || typeof value !== 'object' || level > mostDepth) return 6
  if (value instanceof Uint8Array) return value.length * 1.4 + 40
  if (contains(up, value)) return 6
  const within = { value, up }
  let bytes = 2
  if (Array.isArray(value)) for (const item of value) bytes += bytesOf(item, within, level + 1) + 2
  else
    for (const [key, item] of Object.entries(value))
      bytes += key.length + 6 + bytesOf(item, within, level + 1)
  return bytes
}

const ownBytes = ({ link: _l, linkError: _e, chain: _b, chord: _c, ...options }: SignatureOptions): number =>
  bytesOf(options)

/** A signature is weighed once: it never changes. */
const weighed = new WeakMap<Node, Weight>()

export const weigh = (node: Node): Weight => {
  let weight = weighed.get(node)
  if (weight === undefined) {
    weight = weighAnew(node)
    weighed.set(node, weight)
  }
  return weight
}

const weighAnew = (node: Node): Weight => {
  let bytes = emptySignature + bytesOf(node.args) + bytesOf(node.kwargs) + ownBytes(node.options)
  let levels = 3
  const add = (child: Node, deeper: number): void => {
    const weight = weigh(child)
    bytes += weight.bytes + 2
    levels = Math.max(levels, weight.levels + deeper)
  }
  for (const name of nested) {
    const inner = node.options[name]
    if (inner !== undefined) for (const child of Array.isArray(inner) ? inner : [inner]) add(child, 3)
  }
  switch (node.kind) {
    case 'task':
      bytes += node.task.length
      break
    case 'chain':
    case 'group':
      for (const task of node.tasks) add(task, 3)
      break
    case 'chord':
      bytes += emptySignature + ownBytes(node.headerOptions ?? {})
      for (const member of node.header) add(member, 5)
      add(node.body, 2)
      break
    default:
      bytes += bytesOf(node.it)
      add(node.task, 2)
  }
  return { bytes, levels }
}
