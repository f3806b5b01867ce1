// What a running task wants to be sent with its end, and only if it ends well: more members for its chord, and
// what the built-in tasks send. It goes out in the same step as the task's own end, so a crash neither loses nor
// doubles it.
import type { Node, SignatureOptions } from '../canvas/node.js'

export type Addition =
  /** `toChord`: its result is one more of the chord that the task reports to. */
  | {
      readonly do: 'send'
      readonly node: Node
      readonly args: readonly unknown[]
      readonly options: SignatureOptions
      readonly toChord?: boolean
    }
  /** All members of a chord that somebody else counted: its body is sent, or fails. */
  | { readonly do: 'join'; readonly body: Node; readonly members: readonly string[] }

export const noAdditions: readonly Addition[] = Object.freeze([])
