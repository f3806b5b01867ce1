// Revoking one task is one broadcast; a group asks for each of its members, and one broadcast is enough for all
// that are asked for in the same turn.
import type { RevokeOptions } from '../../canvas/sender.js'

interface Batch {
  readonly ids: string[]
  readonly done: Promise<void>
}

export class RevokeTogether {
  readonly #batches = new Map<string, Batch>()

  constructor(private readonly send: (ids: readonly string[], options: RevokeOptions) => Promise<unknown>) {}

  revoke(id: string, options: RevokeOptions): Promise<void> {
    const key = JSON.stringify([options.terminate ?? false, options.signal ?? null])
    const batch = this.#batches.get(key) ?? this.#begin(key, options)
    batch.ids.push(id)
    return batch.done
  }

  #begin(key: string, options: RevokeOptions): Batch {
    const ids: string[] = []
    const done = Promise.resolve().then(async () => {
      this.#batches.delete(key)
      await this.send(ids, options)
    })
    const batch = { ids, done }
    this.#batches.set(key, batch)
    return batch
  }
}
