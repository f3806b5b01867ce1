// References, opened: what a message carries by reference is put in its place again, as far as it is needed now.
// To carry on, that is the next step of a chain or the body of a chord, and what waits further behind stays a
// reference; where the whole of it ends, or goes to somebody who reads no references, it is everything. Pure:
// pages come by `lookup`, and what is not at hand is asked for and the opening begun again.
import { isRecord } from '../canvas/options.js'
import type { SignatureJson } from '../canvas/wire.js'
import type { PageKey } from './publication.js'
import { moved, type Reference, referenceIn } from './reference.js'

/** undefined: not at hand. null: it is not in the broker any more. */
export type Lookup = (key: PageKey) => readonly SignatureJson[] | null | undefined

/** Pages that have to be at hand first. */
export class PagesNeeded extends Error {
  constructor(readonly pages: readonly PageKey[]) {
    super('pages needed')
  }
}

/** What was referred to is gone. */
class PageGone extends Error {
  constructor({ graph, page }: PageKey) {
    super(
      `What follows is not in the broker any more (page ${page} of graph ${graph}): ` +
        'it was carried on before, or somebody has removed it.',
    )
  }
}

export interface Unfolded<T> {
  readonly value: T
  /** Pages that nobody refers to once this is carried on. */
  readonly frees: readonly PageKey[]
}

type Options = SignatureJson['options']

const pageOf = (ref: PageKey, lookup: Lookup): readonly SignatureJson[] => {
  const page = lookup(ref)
  if (page === undefined) throw new PagesNeeded([ref])
  if (page === null) throw new PageGone(ref)
  return page
}

/** What was said of a reference: its place in a chord, and the rest. Its id and its own queue are not said of what it stands for. */
const saidOf = (
  { options }: SignatureJson,
  ref: Reference,
): { readonly place: Options; readonly said: Options } => {
  const { task_id: _id, queue, chord, group_id, group_index, ...others } = Object(options) as Options
  return {
    place: withoutNull({ chord, group_id, group_index }),
    said: queue == null || queue === ref.queue ? others : { ...others, queue },
  }
}

const withoutNull = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value != null))

/** A place in a chord belongs to the end of a canvas. What stands there wins. */
const placed = (json: SignatureJson, place: Options): SignatureJson => {
  const { subtask_type: kind, kwargs, options } = json
  if (isEmpty(place)) return json
  const [last, ...behind] = listed(options?.['chain'])
  if (last !== undefined) return { ...json, options: { ...options, chain: [placed(last, place), ...behind] } }
  if (kind === 'chord')
    return { ...json, kwargs: { ...kwargs, body: placed(kwargs['body'] as SignatureJson, place) } }
  if (kind === 'chain')
    return { ...json, kwargs: { ...kwargs, tasks: placedLast(listed(kwargs?.['tasks']), place) } }
  return { ...json, options: { ...place, ...withoutNull(options ?? {}) } }
}

const placedLast = (steps: readonly SignatureJson[], place: Options): readonly SignatureJson[] =>
  steps.map((step, index) => (index === steps.length - 1 ? placed(step, place) : step))

const isEmpty = (dict: object): boolean => Object.keys(dict).length === 0

/** A chain's signature. */
export const chainOf = (tasks: readonly SignatureJson[], options: Options): SignatureJson => ({
  task: 'celery.chain',
  args: [],
  kwargs: { tasks },
  options,
  subtask_type: 'chain',
  immutable: false,
})

/** Root and parent that the sender gave to the only step count for the chain around it. */
const around = (steps: readonly SignatureJson[], said: Options): Options => {
  if (steps.length > 1) return said
  const { root_id, parent_id } = (steps[0] as SignatureJson).options ?? {}
  return { ...(root_id != null && { root_id }), ...(parent_id != null && { parent_id }), ...said }
}

/** The reference to the next page goes on where this one did. */
const after = (end: SignatureJson, { options: { replaced_task_nesting } }: SignatureJson): SignatureJson =>
  replaced_task_nesting == null ? end : { ...end, options: { ...end.options, replaced_task_nesting } }

/** The next step that a reference stands for, and the reference to those behind it. */
const next = (json: SignatureJson, ref: Reference, lookup: Lookup): Unfolded<readonly SignatureJson[]> => {
  const page = pageOf(ref, lookup)
  const head = page[ref.index]
  if (head === undefined) throw new PageGone(ref)
  const last = page.length - 1
  const index = ref.index + 1
  if (index > last) return { value: [head], frees: [ref] }
  const end = page[last] as SignatureJson
  if (index === last && referenceIn(end) !== undefined)
    return { value: [head, after(end, json)], frees: [ref] }
  return { value: [head, moved(json, index)], frees: [] }
}

/** What waits (in Celery's order) with the next step opened. */
export const unfoldNext = (
  waiting: readonly SignatureJson[],
  lookup: Lookup,
): Unfolded<readonly SignatureJson[]> => {
  const rest = [...waiting]
  const frees: PageKey[] = []
  for (;;) {
    const json = rest.at(-1)
    const ref = json && referenceIn(json)
    if (json === undefined || ref === undefined) return { value: rest, frees }
    const opened = next(json, ref, lookup)
    const { place, said } = saidOf(json, ref)
    const steps = placedLast(opened.value, place)
    rest.pop()
    if (isEmpty(said)) rest.push(...[...steps].reverse())
    else rest.push(chainOf(steps, around(steps, said)))
    frees.push(...opened.frees)
  }
}

/** Everything, with no reference left in what runs. The chord around it (an option) is not a part of it. */
export const unfoldAll = (
  waiting: readonly SignatureJson[],
  lookup: Lookup,
): Unfolded<readonly SignatureJson[]> => {
  const frees: PageKey[] = []
  const needed: PageKey[] = []
  const stepsOf = (ref: Reference): readonly SignatureJson[] => {
    try {
      const steps = pageOf(ref, lookup).slice(ref.index)
      frees.push(ref)
      return row(steps)
    } catch (error) {
      if (!(error instanceof PagesNeeded)) throw error
      needed.push(...error.pages)
      return []
    }
  }
  /** Steps in running order. */
  const row = (steps: readonly SignatureJson[]): readonly SignatureJson[] =>
    steps.flatMap((json) => {
      const ref = referenceIn(json)
      if (ref === undefined) return [whole(json)]
      const { place, said } = saidOf(json, ref)
      const opened = placedLast(stepsOf(ref), place)
      return isEmpty(said) || opened.length === 0 ? opened : [chainOf(opened, around(opened, said))]
    })
  const one = (json: SignatureJson): SignatureJson => {
    const steps = row([json])
    return steps.length === 1 ? (steps[0] as SignatureJson) : chainOf(steps, {})
  }
  const whole = (json: SignatureJson): SignatureJson => {
    if (!isRecord(json)) return json
    const { subtask_type: kind, kwargs, options } = json
    const chain = options?.['chain']
    const behind = chain == null ? options : { ...options, chain: reversed(row(reversed(listed(chain)))) }
    if (kind === 'chain')
      return { ...json, kwargs: { ...kwargs, tasks: row(listed(kwargs?.['tasks'])) }, options: behind }
    if (kind === 'group')
      return { ...json, kwargs: { ...kwargs, tasks: listed(kwargs?.['tasks']).map(one) }, options: behind }
    if (kind === 'chord') {
      const { header, body } = Object(kwargs) as { header: SignatureJson; body: SignatureJson }
      const members = Array.isArray(header) ? header.map(one) : whole(header)
      return { ...json, kwargs: { ...kwargs, header: members, body: one(body) }, options: behind }
    }
    return behind === options ? json : { ...json, options: behind }
  }
  const value = reversed(row(reversed(waiting)))
  if (needed.length > 0) throw new PagesNeeded(needed)
  return { value, frees }
}

const reversed = <T>(list: readonly T[]): readonly T[] => [...list].reverse()

type Signatures = readonly SignatureJson[]

/**
 * What stands where signatures stand. Nobody has read it yet: Python also writes a single one without its list, and what
 * is no signature at all is for `fromJSON` to refuse, where it would run.
 */
const listed = (value: unknown): Signatures =>
  Array.isArray(value) ? value : isRecord(value) ? [value as never] : []

/** All signatures that run as a part of one, or behind it. */
const running = (json: SignatureJson): Signatures => {
  const { subtask_type: kind, kwargs, options } = Object(json) as Partial<SignatureJson>
  const behind = options?.['chain']
  if (kind == null) return behind == null ? none : listed(behind)
  const { tasks, header, body } = Object(kwargs) as Readonly<Record<string, unknown>>
  if (kind === 'chain' || kind === 'group') return [...listed(behind), ...listed(tasks)]
  return kind === 'chord' ? [...listed(behind), ...listed(header), ...listed(body)] : listed(behind)
}

const none: Signatures = []

/** All signatures within one that go where it goes: without the chord around it, and without errbacks, which are in many. */
const within = (json: SignatureJson): Signatures => [...listed(Object(json).options?.link), ...running(json)]

/** Whether anything in here, callbacks included, is a reference. */
export const holds = (list: Signatures | null): boolean => {
  const todo = [...(list ?? [])]
  for (let json = todo.pop(); json !== undefined; json = todo.pop()) {
    if (referenceIn(json) !== undefined) return true
    todo.push(...within(json))
  }
  return false
}

/** What never runs is let go of: all pages that it refers to, its callbacks included, and that those refer to. */
export const letGo = (list: Signatures, lookup: Lookup): readonly PageKey[] => {
  const frees: PageKey[] = []
  const needed: PageKey[] = []
  const todo = [...list]
  for (let json = todo.pop(); json !== undefined; json = todo.pop()) {
    const ref = referenceIn(json)
    if (ref === undefined) todo.push(...within(json))
    else {
      const page = lookup(ref)
      if (page === undefined) needed.push(ref)
      else if (page !== null) {
        frees.push(ref)
        todo.push(...page.slice(ref.index))
      }
    }
  }
  if (needed.length > 0) throw new PagesNeeded(needed)
  return frees
}

/** Whether anything in here is a reference. */
export const refers = (list: Signatures | null): boolean =>
  list?.some((json) => referenceIn(json) !== undefined || refers(running(json))) === true
