// AsyncResult and GroupResult: handles on what tasks give back. They hold ids; values come from the
// backend when somebody asks.
import type {
  AsyncResult,
  Get,
  GetOptions,
  GroupResult,
  ResultGraph,
  ResultMeta,
  ResultUpdate,
  RevokeOptions,
} from '../canvas/sender.js'
import { InvalidUsage, ResultIgnored } from '../errors.js'
import type { Backend } from './backend.js'
import { readIsoDate } from './dates.js'
import { type ErrorClass, rebuildError } from './failure.js'
import { isReady, type Meta, readMeta, type ResultTuple } from './meta.js'
import type { ResultShape } from './plan.js'
import { guardWait, waitForEnd } from './wait.js'

/** Where results come from, and which error classes are rebuilt. */
export interface ResultSource {
  backend(): Promise<Backend>
  readonly errors: ReadonlyMap<string, ErrorClass>
  /** The server's clock (ms), or this machine's before there is a connection. */
  now(): number
}

type AnyResult = AsyncResult<any>

const isGroup = (result: AnyResult): result is GroupResult<any> => 'results' in result

const later = (word: string, when: string): InvalidUsage =>
  new InvalidUsage(`${word}() is not there yet: it comes with ${when}.`)

const failureIn = ({ state, result, traceback }: Meta, source: ResultSource): Error | undefined =>
  state === 'FAILURE' || state === 'REVOKED' ? rebuildError(result, traceback, source.errors) : undefined

const pendingMeta = (taskId: string): Meta => ({
  taskId,
  state: 'PENDING',
  result: null,
  traceback: null,
  children: [],
  dateDone: null,
  groupId: null,
  parentId: null,
  fields: {},
})

/** Ids of all steps to the left, nearest first. */
const idsBefore = (result: AnyResult): readonly string[] => {
  const ids: string[] = []
  for (let at = result.parent; at !== null; at = at.parent)
    if (isGroup(at)) ids.push(...at.results.map(({ id }) => id))
    else ids.push(at.id)
  return ids
}

export class TaskResult<T> implements AsyncResult<T> {
  readonly id: string
  readonly parent: AnyResult | null
  readonly #source: ResultSource
  readonly #ignored: boolean
  #last: Meta | undefined

  constructor(source: ResultSource, id: string, parent: AnyResult | null = null, ignored = false) {
    this.#source = source
    this.id = id
    this.parent = parent
    this.#ignored = ignored
  }

  readonly get = (async (options: GetOptions = {}): Promise<unknown> => {
    guardWait(options)
    if (this.#ignored)
      throw new ResultIgnored(
        `The result of ${this.id} is not stored: it was sent with ignoreResult. Send it without to get() it.`,
      )
    const meta = await this.#end(options)
    const error = failureIn(meta, this.#source)
    if (error === undefined) return meta.result
    if (options.propagate === false) return error
    throw error
  }) as Get<T>

  /** Resolves when the task has ended. */
  async #end(options: GetOptions): Promise<Meta> {
    if (this.#last !== undefined && isReady(this.#last.state)) return this.#last
    const backend = await this.#source.backend()
    this.#last = await waitForEnd(backend, this.id, idsBefore(this), options)
    return this.#last
  }

  async #read(): Promise<Meta> {
    if (this.#last !== undefined && isReady(this.#last.state)) return this.#last
    const [text] = await (await this.#source.backend()).read([this.id])
    const meta = text == null ? pendingMeta(this.id) : readMeta(text)
    this.#last = meta
    return meta
  }

  async state(): Promise<string> {
    return (await this.#read()).state
  }

  async ready(): Promise<boolean> {
    return isReady(await this.state())
  }

  async successful(): Promise<boolean> {
    return (await this.state()) === 'SUCCESS'
  }

  async failed(): Promise<boolean> {
    return (await this.state()) === 'FAILURE'
  }

  async traceback(): Promise<string | null> {
    return (await this.#read()).traceback
  }

  async meta(): Promise<ResultMeta> {
    const meta = await this.#read()
    return {
      taskId: this.id,
      state: meta.state,
      result: this.#valueOf(meta),
      traceback: meta.traceback,
      dateDone: meta.dateDone === null ? null : new Date(readIsoDate(meta.dateDone)),
      groupId: meta.groupId,
      parentId: meta.parentId,
    }
  }

  #valueOf(meta: Meta): unknown {
    const isError = meta.state === 'RETRY' && meta.result !== null
    return (
      failureIn(meta, this.#source) ??
      (isError ? rebuildError(meta.result, meta.traceback, this.#source.errors) : meta.result)
    )
  }

  async children(): Promise<readonly AnyResult[]> {
    return (await this.#read()).children.map((tuple) => fromTuple(this.#source, tuple))
  }

  async *updates(): AsyncIterableIterator<ResultUpdate> {
    const backend = await this.#source.backend()
    const seen: string[] = []
    let wake: () => void = () => undefined
    let trouble: Error | undefined
    const unwatch = backend.watch(
      this.id,
      (text) => {
        if (seen.at(-1) !== text) seen.push(text)
        wake()
      },
      (error) => {
        trouble = error
        wake()
      },
    )
    try {
      let last = ''
      for (;;) {
        const text = seen.shift()
        if (text === undefined) {
          if (trouble !== undefined) throw trouble
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        if (text === last) continue
        last = text
        const meta = readMeta(text)
        yield { state: meta.state, result: this.#valueOf(meta) }
        if (isReady(meta.state)) return
      }
    } finally {
      unwatch()
    }
  }

  async forget(): Promise<void> {
    await this.parent?.forget()
    await (await this.#source.backend()).forget([this.id])
    this.#last = undefined
  }

  collect(): never {
    throw later('collect', 'the whole canvas')
  }

  graph(): Promise<ResultGraph> {
    return Promise.reject(later('graph', 'the whole canvas'))
  }

  revoke(_options?: RevokeOptions): Promise<void> {
    return Promise.reject(later('revoke', 'the pools'))
  }

  /** Celery's tuple: what stands in Redis when a task returns an AsyncResult. */
  toJSON(): ResultTuple {
    return tupleOf(this)
  }
}

export class TasksResult<T> implements GroupResult<T> {
  readonly id: string
  readonly parent: AnyResult | null
  readonly results: readonly AnyResult[]

  constructor(id: string, results: readonly AnyResult[], parent: AnyResult | null = null) {
    this.id = id
    this.results = results
    this.parent = parent
  }

  readonly get = (async (options: GetOptions = {}): Promise<unknown> => {
    guardWait(options)
    // Every member's failure is heard, so that none is an unhandled rejection; the first one counts.
    return Promise.all(this.results.map((result) => result.get(options)))
  }) as Get<T>

  /** FAILURE as soon as a member failed, SUCCESS when all have succeeded, else PENDING. */
  async state(): Promise<string> {
    const states = await Promise.all(this.results.map((result) => result.state()))
    if (states.some((state) => state === 'FAILURE' || state === 'REVOKED')) return 'FAILURE'
    return states.every((state) => state === 'SUCCESS') ? 'SUCCESS' : 'PENDING'
  }

  async meta(): Promise<ResultMeta> {
    const metas = await Promise.all(this.results.map((result) => result.meta()))
    return {
      taskId: this.id,
      state: await this.state(),
      result: metas.map(({ result }) => result),
      traceback: metas.find(({ traceback }) => traceback !== null)?.traceback ?? null,
      dateDone: null,
      groupId: this.id,
      parentId: null,
    }
  }

  async traceback(): Promise<string | null> {
    return (await this.meta()).traceback
  }

  /** PROGRESS, with how many have ended, for each member; then the end. */
  async *updates(): AsyncIterableIterator<ResultUpdate> {
    const total = this.results.length
    let current = 0
    const members = this[Symbol.asyncIterator]()
    while ((await members.next()).done !== true) {
      current += 1
      if (current < total) yield { state: 'PROGRESS', result: { current, total } }
    }
    const { state, result } = await this.meta()
    yield { state, result }
  }

  async ready(): Promise<boolean> {
    return (await this.completedCount()) === this.results.length
  }

  async successful(): Promise<boolean> {
    return (await Promise.all(this.results.map((result) => result.successful()))).every(Boolean)
  }

  async failed(): Promise<boolean> {
    return (await Promise.all(this.results.map((result) => result.failed()))).some(Boolean)
  }

  async waiting(): Promise<boolean> {
    return !(await this.ready())
  }

  /** Members that have ended, well or not. */
  async completedCount(): Promise<number> {
    return (await Promise.all(this.results.map((result) => result.ready()))).filter(Boolean).length
  }

  /** Members in the order in which they end. */
  async *[Symbol.asyncIterator](): AsyncIterator<AnyResult> {
    const ended: AnyResult[] = []
    let wake: () => void = () => undefined
    let trouble: unknown
    for (const result of this.results)
      result.get({ propagate: false }).then(
        () => {
          ended.push(result)
          wake()
        },
        (error: unknown) => {
          trouble = error
          wake()
        },
      )
    for (let given = 0; given < this.results.length; given += 1) {
      while (ended[given] === undefined) {
        if (trouble !== undefined) throw trouble
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      yield ended[given] as AnyResult
    }
  }

  children(): Promise<readonly AnyResult[]> {
    return Promise.resolve(this.results)
  }

  async forget(): Promise<void> {
    await this.parent?.forget()
    await Promise.all(this.results.map((result) => result.forget()))
  }

  collect(): never {
    throw later('collect', 'the whole canvas')
  }

  graph(): Promise<ResultGraph> {
    return Promise.reject(later('graph', 'the whole canvas'))
  }

  save(): Promise<void> {
    return Promise.reject(later('save', 'the whole canvas'))
  }

  revoke(_options?: RevokeOptions): Promise<void> {
    return Promise.reject(later('revoke', 'the pools'))
  }

  toJSON(): ResultTuple {
    return tupleOf(this)
  }
}

const tupleOf = (result: AnyResult): ResultTuple => [
  [result.id, result.parent === null ? null : tupleOf(result.parent)],
  isGroup(result) ? result.results.map(tupleOf) : null,
]

/** Handles for what a plan will give back. */
export const fromShape = (source: ResultSource, shape: ResultShape, ignored = false): AnyResult => {
  const parent = shape.parent === null ? null : fromShape(source, shape.parent)
  return shape.kind === 'task'
    ? new TaskResult(source, shape.id, parent, ignored)
    : new TasksResult(
        shape.id,
        shape.results.map((member) => fromShape(source, member)),
        parent,
      )
}

/** Handles for Celery's tuple; a bare id stands for `[id, null]`. */
export const fromTuple = (source: ResultSource, tuple: ResultTuple): AnyResult => {
  const [head, members] = tuple
  const [id, parentTuple] = Array.isArray(head) ? head : [head as unknown as string, null]
  const parent = parentTuple === null || parentTuple === undefined ? null : fromTuple(source, parentTuple)
  return members === null || members === undefined
    ? new TaskResult(source, String(id), parent)
    : new TasksResult(
        String(id),
        members.map((member) => fromTuple(source, member)),
        parent,
      )
}
