// GroupResult: a handle on what the members of a group give back, in the group's order.
import type {
  ForgetOptions,
  Get,
  GetOptions,
  GroupResult,
  ResultGraph,
  ResultMeta,
  ResultUpdate,
  RevokeOptions,
} from '../canvas/sender.js'
import type { ResultTuple } from './meta.js'
import { type AnyResult, type ResultSource, tupleOf } from './result-source.js'
import { collectFrom, forgetTree, graphOf } from './result-tree.js'
import { saveGroup } from './saved-groups.js'
import { guardWait } from './wait.js'

export class TasksResult<T> implements GroupResult<T> {
  readonly id: string
  readonly parent: AnyResult | null
  readonly results: readonly AnyResult[]
  readonly #source: ResultSource

  constructor(
    source: ResultSource,
    id: string,
    results: readonly AnyResult[],
    parent: AnyResult | null = null,
  ) {
    this.#source = source
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
      fields: {},
    }
  }

  async traceback(): Promise<string | null> {
    return (await this.meta()).traceback
  }

  /** PROGRESS, with how many have ended, for each member; then the end. */
  async *updates(): AsyncIterableIterator<ResultUpdate> {
    const total = this.results.length
    let current = 0
    for await (const _ of this) {
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

  /** Members in the order in which they end. Whoever has seen enough waits for no more of them. */
  async *[Symbol.asyncIterator](): AsyncIterator<AnyResult> {
    const ended: AnyResult[] = []
    let wake: () => void = () => undefined
    let trouble: unknown
    // One for each: thousands of listeners to one signal are slow to leave it.
    const waits = this.results.map((result) => {
      const wait = new AbortController()
      result.get({ propagate: false, signal: wait.signal }).then(
        () => {
          ended.push(result)
          wake()
        },
        (error: unknown) => {
          trouble = error
          wake()
        },
      )
      return wait
    })
    try {
      for (let given = 0; given < this.results.length; given += 1) {
        while (ended[given] === undefined) {
          if (trouble !== undefined) throw trouble
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        yield ended[given] as AnyResult
      }
    } finally {
      for (const wait of waits) wait.abort()
    }
  }

  children(): Promise<readonly AnyResult[]> {
    return Promise.resolve(this.results)
  }

  forget({ children = false }: ForgetOptions = {}): Promise<void> {
    return forgetTree(this, this.#source, children)
  }

  collect(options?: GetOptions): AsyncIterableIterator<readonly [AnyResult, unknown]> {
    return collectFrom(this, options)
  }

  graph(): Promise<ResultGraph> {
    return graphOf(this, this.#source)
  }

  save(): Promise<void> {
    return saveGroup(this, this.#source)
  }

  async revoke(options: RevokeOptions = {}): Promise<void> {
    await Promise.all(this.results.map((result) => result.revoke(options)))
  }

  toJSON(): ResultTuple {
    return tupleOf(this)
  }
}
