// Tasks as the canvas sees them: what makes signatures, without an app. `app` stands for their owner.
import type { TaskMembers } from '../../src/canvas/flow.js'
import { chunks, xmap, xstarmap } from '../../src/canvas/map.js'
import { type AnySignature, makeTaskSignature, type SignatureParts } from '../../src/canvas/signature.js'

export const app = { name: 'proj' }

export const task = <F extends (...args: any[]) => unknown, Name extends string = string>(
  name: Name,
  owner: object = app,
): TaskMembers<F, Name> => {
  const make = (parts?: SignatureParts) => makeTaskSignature(name, owner, parts) as unknown as AnySignature
  const members = {
    taskName: name,
    s: (...args: unknown[]) => make({ args }),
    si: (...args: unknown[]) => make({ args, immutable: true }),
    signature: make,
    map: (items: readonly unknown[]) => xmap(make(), items),
    starmap: (rows: readonly (readonly unknown[])[]) => xstarmap(make(), rows),
    chunks: (rows: readonly (readonly unknown[])[], n: number) => chunks(make(), rows, n),
  }
  return members as unknown as TaskMembers<F, Name>
}

export const add = task<(x: number, y: number) => number, 'proj.add'>('proj.add')
export const mul = task<(x: number, y: number) => number, 'proj.mul'>('proj.mul')
export const tsum = task<(numbers: number[]) => number, 'proj.tsum'>('proj.tsum')
export const upper = task<(text: string) => string, 'proj.upper'>('proj.upper')
export const onError = task<(id: string) => void, 'proj.errback_old'>('proj.errback_old')
