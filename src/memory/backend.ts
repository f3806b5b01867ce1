// The Backend port over a memory room.
import { type Backend, closedUnder } from '../runtime/backend.js'
import type { Room } from './room.js'

export class MemoryBackend implements Backend {
  /** What ends a watch → who hears that it was ended by us. */
  readonly #stops = new Map<() => void, ((error: Error) => void) | undefined>()

  constructor(
    readonly url: string,
    readonly room: Room,
  ) {}

  async read(taskIds: readonly string[]): Promise<readonly (string | null)[]> {
    return this.room.submit('read', { taskIds })
  }

  /** The listener is never called before this has returned, nor after the returned function was called. */
  watch(taskId: string, listener: (text: string) => void, onTrouble?: (error: Error) => void): () => void {
    let isWatching = true
    const hear = (text: string): void => {
      if (isWatching) listener(text)
    }
    const [stored] = this.room.submit('read', { taskIds: [taskId] })
    if (stored != null) queueMicrotask(() => hear(stored))
    const unwatch = this.room.watch(taskId, hear)
    const stop = (): void => {
      isWatching = false
      this.#stops.delete(stop)
      unwatch()
    }
    this.#stops.set(stop, onTrouble)
    return stop
  }

  /** Nothing is far away here. */
  expect(): () => void {
    return () => undefined
  }

  async forget(taskIds: readonly string[], groupIds: readonly string[] = []): Promise<void> {
    this.room.submit('forget', { taskIds, groupIds })
  }

  async saveGroup(groupId: string, text: string, expires: number): Promise<void> {
    this.room.submit('saveGroup', { groupId, text, expires })
  }

  async readGroup(groupId: string): Promise<string | null> {
    return this.room.submit('readGroup', { groupId })
  }

  async close(): Promise<void> {
    for (const [stop, onTrouble] of this.#stops) {
      stop()
      onTrouble?.(closedUnder(this.url))
    }
  }
}
