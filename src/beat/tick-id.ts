// What is the same in every beat that looks at one tick of one entry: the id of its run, and how much later
// than the tick it starts. Both are made of the entry's name and the tick alone.
import { createHash } from 'node:crypto'

/** A name space of our own for UUIDs of version 5. */
const nameSpace = Buffer.from('6c6f766167653a6265617400746963ff', 'hex')

/**
 * The task id of a tick's run, a UUID of version 5. `scope` tells apart programs that share a result store and
 * name their entries alike: the app's name.
 */
export function tickId(scope: string, name: string, tickMs: number): string {
  // JSON keeps the parts apart, whatever characters a name has.
  const hash = digest(scope, name, tickMs)
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** From 0 to `jitterMs`, spread evenly over entries and ticks. */
export function jitterOf(name: string, tickMs: number, jitterMs: number): number {
  if (jitterMs <= 0) return 0
  return Math.floor((digest('jitter', name, tickMs).readUInt32BE(0) / 2 ** 32) * (jitterMs + 1))
}

const digest = (scope: string, name: string, tickMs: number): Buffer =>
  createHash('sha1')
    .update(nameSpace)
    .update(JSON.stringify([scope, name, tickMs]))
    .digest()
