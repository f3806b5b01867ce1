// PORT Backend: where results lie and how somebody waits for one. Texts are Celery's result JSON; what
// they mean is runtime/meta's business. Workers write results through the Broker's completions, so that
// result, edges and ack are one transition; a Backend reads, waits and forgets.
import { OperationalError } from '../errors.js'

/** What a watch is told when its store is closed under it. */
export const closedUnder = (url: string): OperationalError =>
  new OperationalError(
    `The app was closed while a result was waited for (${url}): ask for it again, by its id.`,
  )

export interface Backend {
  /** Without passwords, for banners. */
  readonly url: string
  /** The stored texts in the order of `taskIds`; null where nothing is stored. */
  read(taskIds: readonly string[]): Promise<readonly (string | null)[]>
  /**
   * Calls `listener` with the text stored now (if any) and with each later one, until the returned function
   * is called. Survives lost connections; a text may come twice, the last one always comes. `onTrouble` hears
   * of a connection that cannot be had in bounded time, and of a close() in the middle.
   */
  watch(taskId: string, listener: (text: string) => void, onTrouble?: (error: Error) => void): () => void
  /**
   * Prepares for a watch that is to begin when a message under way is published, so that it need not begin with
   * a round trip of its own. Until the returned function is called.
   */
  expect(taskId: string): () => void
  /** Tasks' results, and the saved shapes of groups. */
  forget(taskIds: readonly string[], groupIds?: readonly string[]): Promise<void>
  /** `expires` in seconds; 0 keeps it for ever. */
  saveGroup(groupId: string, text: string, expires: number): Promise<void>
  readGroup(groupId: string): Promise<string | null>
  close(): Promise<void>
}
