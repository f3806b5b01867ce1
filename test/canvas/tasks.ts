// Tasks as the canvas sees them: what makes signatures, without an app. `app` stands for their owner.
import type { TaskMembers } from '../../src/canvas/flow.js'
import { taskMembers } from '../../src/canvas/task-members.js'

export const app = { name: 'proj' }

export const task = <F extends (...args: any[]) => unknown, Name extends string = string>(
  name: Name,
  owner: object = app,
): TaskMembers<F, Name> => taskMembers(name, owner) as unknown as TaskMembers<F, Name>

export const add = task<(x: number, y: number) => number, 'proj.add'>('proj.add')
export const mul = task<(x: number, y: number) => number, 'proj.mul'>('proj.mul')
export const tsum = task<(numbers: number[]) => number, 'proj.tsum'>('proj.tsum')
export const upper = task<(text: string) => string, 'proj.upper'>('proj.upper')
export const onError = task<(id: string) => void, 'proj.errback_old'>('proj.errback_old')
