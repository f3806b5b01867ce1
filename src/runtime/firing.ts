// What beat asks of a broker: a tick is fired once, with all its messages, however many try.
import type { Publication } from './publication.js'

/** One tick of a periodic entry: its messages leave once, whoever fires it, however many try. */
export interface Firing {
  /** The app's name: apps of one broker keep their entries apart. */
  readonly scope: string
  readonly entry: string
  /** Unix ms. Refused before its time by the broker's clock. Null: no tick, somebody said "now". */
  readonly tickMs: number | null
  readonly publication: Publication
  /** Where entries lie in this broker: the state that this follows, the one that it makes, a line of history or ''. */
  readonly state?: { readonly revision: number; readonly text: string; readonly line: string }
  /** Where they lie elsewhere, the broker remembers the tick, and who fired it. */
  readonly by: string
}

/** `refused`: fired before, or changed, or gone. `early`: not due yet. In all but `fired` nothing was written. */
export type FireReply =
  | { readonly kind: 'fired' | 'refused' | 'early' }
  | { readonly kind: 'failed'; readonly error: Error }
