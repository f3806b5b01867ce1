// A task as users hold it: a function that can be called here, with the words that make signatures of it and
// send it to a worker.
import type { AnySignature, TaskMembers } from './canvas/flow.js'
import { chunks, xmap, xstarmap } from './canvas/map.js'
import type { Node } from './canvas/node.js'
import type { CallOptions } from './canvas/sender.js'
import { bareCall, makeTaskSignature } from './canvas/signature.js'
import { InvalidUsage } from './errors.js'
import { sendNode, type SendingApp } from './runtime/send.js'
import type { TaskDefinition } from './runtime/task.js'

/** A task: call it to run it here and now; `s`, `delay` and their kin send it to a worker. */
export type Task<F extends (...args: any[]) => any, Name extends string = string> = OmitThisParameter<F> &
  TaskMembers<F, Name>

export type AnyFunction = (...args: any[]) => any

const nothingSaid: CallOptions = Object.freeze({})

/** `app` is what its signatures are bound to. */
export const makeTask = (
  { name, run }: TaskDefinition,
  app: object,
  sending: SendingApp,
): Task<AnyFunction> => {
  const callable = function (this: unknown, ...args: unknown[]): unknown {
    if (run === undefined)
      throw new InvalidUsage(
        `Task "${name}" runs elsewhere: send it with ${name}.delay(…), it cannot be called here.`,
      )
    return run.apply(this, args)
  }
  const make = (
    args: readonly unknown[],
    more: { kwargs?: Readonly<Record<string, unknown>>; options?: object; immutable?: boolean } = {},
  ) => makeTaskSignature(name, app, { args, ...more }) as unknown as AnySignature

  const members: Readonly<Record<string, unknown>> = {
    name,
    taskName: name,
    s: (...args: unknown[]) => make(args),
    si: (...args: unknown[]) => make(args, { immutable: true }),
    signature: ({ args = [], ...more }: { args?: readonly unknown[] } = {}) => make(args, more),
    map: (items: readonly unknown[]) => xmap(make([]), items),
    starmap: (rows: readonly (readonly unknown[])[]) => xstarmap(make([]), rows),
    chunks: (rows: readonly (readonly unknown[])[], n: number) => chunks(make([]), rows, n),
    delay: (...args: unknown[]) => sendNode(sending, bareCall(name, args), [], nothingSaid),
    applyAsync: (args: readonly unknown[] = [], call: CallOptions = nothingSaid) =>
      sendNode(sending, make(args) as unknown as Node, [], call),
  }
  for (const [key, value] of Object.entries(members))
    Object.defineProperty(callable, key, { value, configurable: true, enumerable: key !== 'name' })
  return callable as unknown as Task<AnyFunction>
}
