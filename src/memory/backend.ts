// The Backend port over a memory room.
import type { Backend } from '../runtime/backend.js'
import type { Room } from './room.js'

export class MemoryBackend implements Backend {
  readonly #stops = new Set<() => void>()

  constructor(
    readonly url: string,
    readonly room: Room,
  ) {}

  async read(taskIds: readonly string[]): Promise<readonly (string | null)[]> {
    return this.room.submit('read', { taskIds })
  }

  /** The listener is never called before this has returned, nor after the returned function was called. */
  watch(taskId: string, listener: (text: string) => void): () => void {
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
    this.#stops.add(stop)
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
    for (const stop of this.#stops) stop()
  }
}
