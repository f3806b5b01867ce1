// The ways to make signatures of a task, as they stand on the task itself: task.s, task.si, task.map and so
// on. Their types are TaskMembers in flow.ts; what sends (delay, applyAsync) comes from the runtime.
import { chunks, xmap, xstarmap } from './map.js'
import type { TaskNode } from './node.js'
import { makeTaskSignature, type SignatureParts } from './signature.js'

/** The members of the task of this name; `owned` is the app that it belongs to. */
export function taskMembers(name: string, owned: object) {
  const make = (parts?: SignatureParts): TaskNode => makeTaskSignature(name, owned, parts)
  return {
    taskName: name,
    s: (...args: unknown[]) => make({ args }),
    si: (...args: unknown[]) => make({ args, immutable: true }),
    signature: make,
    map: (items: readonly unknown[]) => xmap<any>(make(), items),
    starmap: (rows: readonly (readonly unknown[])[]) => xstarmap<any>(make(), rows),
    chunks: (rows: readonly (readonly unknown[])[], n: number) => chunks<any>(make(), rows, n),
  }
}
