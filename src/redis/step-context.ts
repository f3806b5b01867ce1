// What a consumer's steps know of it: who it is, what it consumes, what it holds (registration.ts makes it).
import type { Databases, Keys } from './keys.js'
import { tagsOf } from './shared.js'

/** What stays the same for all steps of one registration. */
export interface StepContext {
  readonly keys: Keys
  readonly databases: Databases
  readonly id: string
  readonly hostname: string
  readonly queues: readonly string[]
  readonly deadLetterMax: number
  readonly deadLetterExpires: number
  /** Gates are kept: some message may have a concurrency key. */
  readonly gated: boolean
  /** The hash field that a tag stands for now (letters are added while we hold it). */
  readonly fieldOf: (tag: string) => string
  /** A held message of a shared queue, as it came; undefined when it is not known here. */
  readonly rawOf: (tag: string) => Buffer | undefined
  /** What shared.lua is told; '' where no queue is shared. */
  readonly sharing: string
}

/** For `StepContext.sharing`. */
export const describeSharing = (keys: Keys, id: string, queues: readonly string[]): string =>
  queues.some(keys.isShared)
    ? JSON.stringify({
        tags: tagsOf(id),
        keys: queues.map((queue) => (keys.isShared(queue) ? JSON.stringify(queue) : '')),
      })
    : ''
