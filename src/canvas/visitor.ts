// What a user says of stamps: fixed ones, or a visitor that is asked at each place of a canvas.
import type { Node } from './node.js'

/** Words that travel with a task and that workers can be told to look at (`revoke` by stamp). Scalars, or lists of them. */
export type Stamps = Readonly<Record<string, unknown>>

/**
 * What a visitor gives for one place. All of its words are stamps; with `stampedHeaders` only those are, and the
 * others are options of the signature.
 */
export type Stamping = Stamps & { readonly stampedHeaders?: readonly string[] }

/**
 * Celery's StampingVisitor. Each method gets the signature and the stamps that come from around it, and gives more.
 * What `on…Start` gives is said of everything inside; where two give the same stamp, the outer one counts.
 */
export interface StampingVisitor {
  onSignature(signature: Node, stamps: Stamps): Stamping | undefined
  onGroupStart?(group: Node, stamps: Stamps): Stamping | undefined
  onGroupEnd?(group: Node, stamps: Stamps): void
  onChainStart?(chain: Node, stamps: Stamps): Stamping | undefined
  onChainEnd?(chain: Node, stamps: Stamps): void
  /** Without it the header is a group: `onGroupStart`. */
  onChordHeaderStart?(chord: Node, stamps: Stamps): Stamping | undefined
  /** Without it the header is a group: `onGroupEnd`. */
  onChordHeaderEnd?(chord: Node, stamps: Stamps): void
  onChordBody?(chord: Node, stamps: Stamps): Stamping | undefined
  onCallback?(callback: Node, stamps: Stamps): Stamping | undefined
  onErrback?(errback: Node, stamps: Stamps): Stamping | undefined
}

export interface StampOptions {
  /** A stamp that is there already becomes a list of both; else the new one takes its place. */
  readonly append?: boolean
  /** Fixed stamps beside those of a visitor. */
  readonly stamps?: Stamps
}
