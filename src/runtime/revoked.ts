// What is revoked, as a worker remembers it: ids of tasks, and values of stamps. Asked for every message, so it
// costs nothing while it is empty.
import type { Settings } from '../config.js'
import { TaskRevokedError } from '../errors.js'
import type { Revocation } from './broker.js'
import { encodeException, toExceptionInfo } from './failure.js'
import type { Message } from './message.js'
import { metaText } from './meta.js'

/** A stamp's header, and its value as JSON text. */
export type Stamp = readonly [header: string, value: string]

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

/** A stamp's value as it is compared. */
export const stampText = (value: unknown): string => JSON.stringify(value) ?? 'null'

/** Whether one of the message's stamps is meant. Its value may be a list, of which one is enough. */
export const stampedWith = (
  { stampedHeaders, stamps }: Pick<Message, 'stampedHeaders' | 'stamps'>,
  has: (header: string, value: string) => boolean,
): boolean =>
  (stampedHeaders ?? []).some((header) =>
    listOf(stamps[header]).some((value) => has(header, stampText(value))),
  )

/** One string for a stamp, and back. */
const stampKey = ([header, value]: Stamp): string => JSON.stringify([header, value])

export class Revoked {
  readonly #ids = new Set<string>()
  readonly #stamps = new Set<string>()

  /** `most` ids are remembered, and as many stamps; the oldest are forgotten. */
  constructor(private readonly most: number) {}

  get isEmpty(): boolean {
    return this.#ids.size === 0 && this.#stamps.size === 0
  }

  /** In the order of their revocation. */
  get ids(): readonly string[] {
    return [...this.#ids]
  }

  add(ids: readonly string[], stamps: readonly Stamp[]): void {
    this.#remember(this.#ids, ids)
    this.#remember(this.#stamps, stamps.map(stampKey))
  }

  #remember(known: Set<string>, news: readonly string[]): void {
    for (const each of news) known.add(each)
    for (const oldest of known) {
      if (known.size <= this.most) break
      known.delete(oldest)
    }
  }

  has(message: Pick<Message, 'id' | 'stampedHeaders' | 'stamps'>): boolean {
    return (
      this.#ids.has(message.id) ||
      (this.#stamps.size > 0 &&
        stampedWith(message, (header, value) => this.#stamps.has(stampKey([header, value]))))
    )
  }
}

/** What the broker is told: as in Celery, the end is stored at once, also for ids that nobody knows. */
export const revocationOf = (
  ids: readonly string[],
  stamps: readonly Stamp[],
  settings: Pick<Settings, 'resultExpires' | 'workerRevokesMax' | 'workerRevokeExpires'>,
  nowMs: number,
): Revocation => {
  const result = encodeException(toExceptionInfo(new TaskRevokedError('revoked')))
  const { resultExpires: expires, workerRevokesMax: most, workerRevokeExpires: seconds } = settings
  const state = 'REVOKED'
  return {
    ids,
    stamps,
    most,
    seconds,
    results: ids.map((taskId) => ({
      taskId,
      state,
      expires,
      // By hearsay: whoever has the task may still run it to its end. So says Celery, too.
      text: metaText({ taskId, state, result, nowMs, children: 'null' }),
    })),
  }
}
