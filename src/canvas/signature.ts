// A signature: a call that has not been made. Frozen data with a `kind`; every change makes a new one. The
// data are described in node.ts, the types in flow.ts; here is what can be done with it.
import { InvalidSignature } from '../errors.js'
import { pipe } from './chain.js'
import type { Anything, InOf, NameOf, OutOf } from './fit.js'
import type { AnySignature, CallArguments, CloneOf, Sent, SetOptions, Signature } from './flow.js'
import { link, linkError } from './link.js'
import { asNode, change, make, type Node, prototype, type TaskNode } from './node.js'
import { isRecord, readOptions } from './options.js'
import type { Suffix } from './partial.js'
import { print } from './print.js'
import { stamp } from './stamp.js'
import { type CallOptions, currentSender, type PendingResult } from './sender.js'
import { fold, listParts } from './walk.js'
import { fromJSON, toJSON } from './wire.js'
import { show } from './words.js'

export { pipe } from './chain.js'
export type { Anything } from './fit.js'
export type { AnySignature, SetOptions, Signature } from './flow.js'
export { link, linkError } from './link.js'
export * from './node.js'

/** What a signature is made of, besides the task's name. */
export interface SignatureParts {
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly options?: SetOptions
  /** Takes nothing from the left and nothing from the call. */
  readonly immutable?: boolean
}

/**
 * The signature of a task by its name, which need not be known in this process: it may run in Python. Untyped;
 * `task.s(…)` and `app.declare` know what the task takes and gives.
 */
export function signature(task: string, parts: SignatureParts = {}): Signature<any, any, string> {
  return makeTaskSignature(task, undefined, parts) as unknown as Signature<any, any, string>
}

/** Reads a signature in Celery's JSON form. Unknown keys are kept. Throws InvalidSignature with the path of what is wrong. */
signature.from = (json: unknown): Signature<any, any, string> =>
  fromJSON(json) as unknown as Signature<any, any, string>

/** The signature of a task; `owned` is the app to which the task is bound. */
export function makeTaskSignature(
  task: string,
  owned: object | undefined,
  parts: SignatureParts = {},
): TaskNode {
  if (typeof task !== 'string' || task === '')
    throw new InvalidSignature(`signature() expects a task's name, but got ${show(task)}.`)
  const { args = [], kwargs = {}, options = {}, immutable: still = false } = parts
  if (!Array.isArray(args))
    throw new InvalidSignature(`The args of ${task} are expected to be an array, but they are ${show(args)}.`)
  checkKwargs(task, kwargs)
  return make<TaskNode>(
    {
      kind: 'task',
      task,
      args: [...args],
      kwargs: { ...kwargs },
      options: readOptions(options),
      immutable: still,
    },
    owned,
  )
}

const none: Readonly<Record<string, never>> = Object.freeze({})

/** A call that is sent in the same turn, and that nobody else sees: the same data without the freezing. */
export const bareCall = (task: string, args: readonly unknown[]): TaskNode => ({
  kind: 'task',
  task,
  args,
  kwargs: none,
  options: none,
  immutable: false,
})

/** The signature with these options; undefined takes one away. */
export function set<S extends AnySignature>(signature: S, options: SetOptions): S {
  const node = asNode(signature, 'What set() is called on')
  const given = readOptions(options)
  if (node.kind === 'group' && given.link !== undefined)
    throw new InvalidSignature(
      'A group cannot carry a link in its options. Use chord(members, callback), or link() for its first member.',
    )
  const removed = Object.entries(options).filter(([, value]) => value === undefined || value === null)
  const merged: Record<string, unknown> = { ...node.options, ...given }
  for (const [name] of removed) delete merged[name]
  return change(node, { options: merged }) as unknown as S
}

/**
 * The signature that takes nothing from the left. As in Celery, a group hands that on to its members and a
 * chord to its header's: they are what the left would be given to.
 */
export function immutable<S extends AnySignature>(signature: S): Signature<Anything, OutOf<S>, NameOf<S>> {
  const still = fold<Node, Node>(asNode(signature, 'What immutable() is called on'), (node) => {
    switch (node.kind) {
      case 'group':
        return {
          parts: listParts('tasks', node.tasks),
          close: (tasks) => change(node, { tasks: [...tasks] }),
        }
      case 'chord':
        return {
          parts: listParts('header', node.header),
          close: (header) => change(node, { header: [...header] }),
        }
      default:
        return { parts: [], close: () => change(node, { immutable: true }) }
    }
  })
  return still as unknown as Signature<Anything, OutOf<S>, NameOf<S>>
}

/** The signature with these arguments in front of its own, as a call puts them there. An immutable one keeps its own. */
export function clone<S extends AnySignature>(signature: S): S
export function clone<S extends AnySignature, const A extends Suffix<InOf<S>>>(
  signature: S,
  args: A,
): CloneOf<S, A>
export function clone(signature: unknown, args: unknown = []): unknown {
  const node = asNode(signature, 'What clone() is called on')
  if (!Array.isArray(args))
    throw new InvalidSignature(`clone() expects an array of arguments, but got ${show(args)}.`)
  return change(node, node.immutable ? {} : { args: [...args, ...node.args] })
}

/** Sends it, with the arguments that are still missing. */
export function delay<In extends readonly unknown[], Out>(
  signature: Signature<In, Out>,
  ...args: In
): PendingResult<Out> {
  return currentSender().send(asNode(signature, 'What delay() is called on'), args, {})
}

/** Sends it with these arguments in front of its own, and options for this call. */
export function applyAsync<S extends AnySignature>(signature: S, ...call: CallArguments<InOf<S>>): Sent<S>
export function applyAsync(
  signature: unknown,
  args: readonly unknown[] = [],
  options: CallOptions = {},
): unknown {
  if (!Array.isArray(args))
    throw new InvalidSignature(`applyAsync() expects an array of arguments, but got ${show(args)}.`)
  return currentSender().send(asNode(signature, 'What applyAsync() is called on'), args, options)
}

function checkKwargs(name: string, kwargs: unknown): void {
  if (!isRecord(kwargs))
    throw new InvalidSignature(
      `The kwargs of ${name} are expected to be an object, but they are ${show(kwargs)}.`,
    )
}

// Every function above is a method as well. The methods lie on the prototype that all signatures share:
// beside the data, not among them.
const methods = { set, link, linkError, clone, pipe, stamp, delay, applyAsync, toJSON, toString: print }
for (const [name, method] of Object.entries<(...args: any[]) => unknown>(methods))
  Object.defineProperty(prototype, name, {
    value(this: Node, ...args: unknown[]) {
      return method(this, ...args)
    },
  })
