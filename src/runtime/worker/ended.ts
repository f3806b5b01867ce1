// The end of one delivery, on its way from a run to the call that commits it.
import type { Completion, Ending } from '../consumer.js'
import type { Held } from './held.js'

/** A completion on its way, with what is needed if it brings the last part of a chord. */
export interface Ended {
  readonly completion: Completion
  readonly held: Held | undefined
}

/** A completion with which nothing is stored and nothing follows. */
export const bare = (tag: string, ending: Ending): Ended => ({
  completion: { tag, ending, results: [], pushes: [], chords: [], parts: [] },
  held: undefined,
})
