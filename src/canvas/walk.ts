// The only recursion in the room, and it is a loop: a chain of ten thousand steps or a canvas nested a
// thousand deep must not overflow the stack. A value that stands in several places (the body of a frozen
// chord stands in every header task) is visited once.
import { InvalidSignature } from '../errors.js'
import { change, type Node, type SignatureOptions } from './node.js'
import { nestedOptions } from './options.js'

/** A child and where it stands, as in `tasks[3]`. */
export interface Part<A> {
  readonly key: string
  readonly value: A
}

/** One level taken apart: its children, and how to put it together from what they became. */
export interface Level<A, B> {
  readonly parts: readonly Part<A>[]
  close(done: readonly B[]): B
}

/**
 * Turns a tree of A into a B from the leaves up. `open` takes one value apart; `path()` says where it
 * stands, as in `tasks[1].body`. A value that contains itself is an InvalidSignature. With `everyPlace` a
 * value that stands in several places is turned each time.
 */
export function fold<A, B>(
  root: A,
  open: (value: A, path: () => string) => Level<A, B>,
  { everyPlace = false } = {},
): B {
  const frames: { value: A; level: Level<A, B>; done: B[] }[] = []
  const finished = new Map<A, B>()
  const unfinished = new Set<A>()
  const path = () => frames.map(({ level, done }) => level.parts[done.length]?.key ?? '').join('.')
  const enter = (value: A, level: Level<A, B>) => {
    unfinished.add(value)
    frames.push({ value, level, done: [] })
  }
  const top = open(root, path)
  // Most signatures are plain tasks, alone.
  if (top.parts.length === 0) return top.close([])
  enter(root, top)
  for (;;) {
    const frame = frames.at(-1)!
    const part = frame.level.parts[frame.done.length]
    if (part !== undefined) {
      if (!everyPlace && finished.has(part.value)) frame.done.push(finished.get(part.value)!)
      else {
        if (unfinished.has(part.value))
          throw new InvalidSignature(`A signature contains itself, at ${path()}.`)
        enter(part.value, open(part.value, path))
      }
      continue
    }
    const result = frame.level.close(frame.done)
    frames.pop()
    unfinished.delete(frame.value)
    finished.set(frame.value, result)
    const parent = frames.at(-1)
    if (parent === undefined) return result
    parent.done.push(result)
  }
}

type Replace<T, C> = { readonly [K in keyof T]: T[K] extends readonly Node[] | undefined ? readonly C[] : C }
type NestedOptions = Pick<SignatureOptions, (typeof nestedOptions)[number]>

/** The places of a node where children stand, holding C: signatures, dicts, or whatever they become. */
export interface Slots<C> {
  readonly tasks?: readonly C[]
  readonly header?: readonly C[]
  readonly body?: C
  /** What a map calls; the name of a plain task is no child. */
  readonly task?: C | string
  readonly options: Replace<NestedOptions, C>
  readonly headerOptions?: Replace<NestedOptions, C>
}

/** The items of a list of children. */
export function listParts<A>(slot: string, values: readonly A[]): Part<A>[] {
  return values.map((value, i) => ({ key: `${slot}[${i}]`, value }))
}

/** The children that run as part of the node: without what follows it by links. */
export function runningParts(node: Node): Part<Node>[] {
  switch (node.kind) {
    case 'task':
      return []
    case 'chain':
    case 'group':
      return listParts('tasks', node.tasks)
    case 'chord':
      return [...listParts('header', node.header), { key: 'body', value: node.body }]
    default:
      return [{ key: 'task', value: node.task }]
  }
}

/** All children, in a fixed order: what runs, then what follows. */
export function partsOf<C>(slots: Slots<C>): Part<C>[] {
  const parts: Part<C>[] = []
  const add = (key: string, value: unknown) => {
    if (Array.isArray(value)) for (const part of listParts<C>(key, value)) parts.push(part)
    else if (value !== undefined) parts.push({ key, value: value as C })
  }
  add('tasks', slots.tasks)
  add('header', slots.header)
  add('body', slots.body)
  if (typeof slots.task !== 'string') add('task', slots.task)
  for (const name of nestedOptions) add(`options.${name}`, slots.options[name])
  if (slots.headerOptions !== undefined)
    for (const name of nestedOptions) add(`headerOptions.${name}`, slots.headerOptions[name])
  return parts
}

/** The same places holding what the children became; `done` is in the order of `partsOf`. */
export function refill<C, D>(slots: Slots<C>, done: readonly D[]): Slots<D> {
  let next = 0
  const take = (value: unknown): unknown =>
    Array.isArray(value) ? done.slice(next, (next += value.length)) : done[next++]
  const filled: Record<string, unknown> = {}
  for (const name of ['tasks', 'header', 'body'] as const)
    if (slots[name] !== undefined) filled[name] = take(slots[name])
  if (slots.task !== undefined && typeof slots.task !== 'string') filled.task = take(slots.task)
  for (const name of ['options', 'headerOptions'] as const) {
    const options = slots[name]
    if (options === undefined) continue
    const copy: Record<string, unknown> = { ...options }
    for (const option of nestedOptions)
      if (options[option] !== undefined) copy[option] = take(options[option])
    filled[name] = copy
  }
  return filled as unknown as Slots<D>
}

/** The graph with `f` applied to every node, children first. What did not change stays the same object. */
export function mapNodes(root: Node, f: (node: Node) => Node): Node {
  return fold<Node, Node>(root, (node) => {
    const parts = partsOf<Node>(node)
    return {
      parts,
      close: (done) => {
        const same = done.every((child, i) => child === parts[i]!.value)
        return f(same ? node : change(node, refill<Node, Node>(node, done) as Partial<Node>))
      },
    }
  })
}
