// AsyncResult: a handle on what a task gives back. It holds ids; the value comes from the backend when
// somebody asks.
import type {
  AsyncResult,
  ForgetOptions,
  Get,
  GetOptions,
  ResultGraph,
  ResultMeta,
  ResultUpdate,
  RevokeOptions,
} from '../canvas/sender.js'
import { ResultIgnored } from '../errors.js'
import { readIsoDate } from './dates.js'
import { rebuildError } from './failure.js'
import { readHeard } from './heard.js'
import { isReady, type Meta, readMeta, type ResultTuple } from './meta.js'
import { type AnyResult, isGroup, type ResultSource, tupleOf } from './result-source.js'
import { collectFrom, forgetTree, graphOf } from './result-tree.js'
import { guardWait, waitForEnd } from './wait.js'

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

const none: readonly string[] = []

/** Ids of all steps to the left, nearest first. */
const idsBefore = (result: AnyResult): readonly string[] => {
  if (result.parent === null) return none
  const ids: string[] = []
  for (let at: AnyResult | null = result.parent; at !== null; at = at.parent)
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
      fields: meta.fields,
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
    return (await this.#read()).children.map((tuple) => this.#source.handle(tuple))
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
        const meta = await readHeard(backend, this.id, text)
        if (meta === undefined) continue
        yield { state: meta.state, result: this.#valueOf(meta) }
        if (isReady(meta.state)) return
      }
    } finally {
      unwatch()
    }
  }

  async forget({ children = false }: ForgetOptions = {}): Promise<void> {
    await forgetTree(this, this.#source, children)
    this.#last = undefined
  }

  collect(options?: GetOptions): AsyncIterableIterator<readonly [AnyResult, unknown]> {
    return collectFrom(this, options)
  }

  graph(): Promise<ResultGraph> {
    return graphOf(this, this.#source)
  }

  revoke(options: RevokeOptions = {}): Promise<void> {
    return this.#source.revoke(this.id, options)
  }

  /** Celery's tuple: what stands in Redis when a task returns an AsyncResult. */
  toJSON(): ResultTuple {
    return tupleOf(this)
  }
}
