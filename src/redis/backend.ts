// PORT Backend over Redis: results are read, waited for and forgotten here; they are written by the steps of
// workers.
import type { Backend } from '../runtime/backend.js'
import { ask } from './ask.js'
import type { Keys } from './keys.js'
import type { Link } from './link.js'
import { Reader } from './reader.js'
import { wholeSeconds } from './completion-words.js'
import { Watcher } from './watch.js'

const chunk = 500

export class RedisBackend implements Backend {
  readonly #reader: Reader
  readonly #watcher: Watcher

  constructor(
    readonly url: string,
    readonly link: Link,
    readonly keys: Keys,
    readonly timeoutSeconds: number,
    openReader: () => Link,
  ) {
    // It hears of a cut before the watcher does.
    this.#reader = new Reader(link, openReader)
    this.#watcher = new Watcher(link, this.#reader, url, timeoutSeconds)
    link.listen({ onUp: () => this.#watcher.connected(), onDown: () => this.#watcher.disconnected() })
  }

  async read(taskIds: readonly string[]): Promise<readonly (string | null)[]> {
    const texts: (string | null)[] = []
    for (let from = 0; from < taskIds.length; from += chunk) {
      const names = taskIds.slice(from, from + chunk).map(this.keys.result)
      const read = () => this.#reader.read(names)
      const replies = await ask(this.link, this.url, this.timeoutSeconds, read)
      for (const reply of replies) texts.push(reply === null ? null : String(reply))
    }
    return texts
  }

  watch(taskId: string, listener: (text: string) => void, onTrouble?: (error: Error) => void): () => void {
    return this.#watcher.watch(this.keys.result(taskId), listener, onTrouble)
  }

  expect(taskId: string): () => void {
    return this.#watcher.expect(this.keys.result(taskId))
  }

  async forget(taskIds: readonly string[], groupIds: readonly string[] = []): Promise<void> {
    const names = [...taskIds.map(this.keys.result), ...groupIds.map(this.keys.savedGroup)]
    for (let from = 0; from < names.length; from += chunk)
      await this.#ask('del', names.slice(from, from + chunk))
  }

  async saveGroup(groupId: string, text: string, expires: number): Promise<void> {
    const seconds = wholeSeconds(expires)
    const life = seconds === 0 ? [] : ['EX', String(seconds)]
    await this.#ask('set', [this.keys.savedGroup(groupId), text, ...life])
  }

  async readGroup(groupId: string): Promise<string | null> {
    const reply = await this.#ask('get', [this.keys.savedGroup(groupId)])
    return reply == null ? null : String(reply)
  }

  async close(): Promise<void> {
    this.#watcher.close()
    this.#reader.close()
    this.link.close()
  }

  #ask(command: string, names: readonly string[]) {
    return ask(this.link, this.url, this.timeoutSeconds, () => this.link.send(command, names))
  }
}
