// What really happened, told by the tasks themselves: an append-only file outside Redis, one JSON line for
// each start and end. Redis is not asked what it did.
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../../support/processes.js'

export interface Entry {
  readonly what: 'start' | 'end'
  readonly task: string
  readonly id: string
  readonly retries: number
  /** How often the task was replaced: what takes its place has its id. */
  readonly nesting: number
  /** Not a redelivery: this is how a message runs that was published and never held before. */
  readonly fresh: boolean
  readonly attempt: number
  readonly pid: number
  /** ms since 1970. */
  readonly at: number
  readonly args?: readonly unknown[]
  readonly value?: unknown
  readonly error?: string
}

export class Ledger {
  readonly path = join(temporaryDirectory('ledger'), 'ledger.jsonl')
  readonly #entries: Entry[] = []
  readonly #file = openSync(this.path, 'a+')
  #at = 0
  #rest = ''

  /** All lines so far. */
  get entries(): readonly Entry[] {
    const chunk = Buffer.alloc(65_536)
    for (;;) {
      const many = readSync(this.#file, chunk, 0, chunk.length, this.#at)
      if (many === 0) return this.#entries
      this.#at += many
      const lines = (this.#rest + chunk.toString('utf8', 0, many)).split('\n')
      this.#rest = lines.pop() ?? ''
      this.#entries.push(...lines.map((line) => JSON.parse(line) as Entry))
    }
  }

  starts(task?: string): readonly Entry[] {
    return this.entries.filter(
      (entry) => entry.what === 'start' && (task === undefined || entry.task === task),
    )
  }

  ends(task?: string): readonly Entry[] {
    return this.entries.filter((entry) => entry.what === 'end' && (task === undefined || entry.task === task))
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** One message: a task id has one for each retry, and one for each work that took its place. */
export const messageOf = ({ id, retries, nesting }: Entry): string => `${id}:${retries}:${nesting}`

export const distinct = <T>(values: Iterable<T>): number => new Set(values).size

/** Messages that came out of a queue for the first time more than once: somebody published them twice. */
export const publishedTwice = (starts: readonly Entry[]): number => {
  const fresh = starts.filter((entry) => entry.fresh).map(messageOf)
  return fresh.length - distinct(fresh)
}
