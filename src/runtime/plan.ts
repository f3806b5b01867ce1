// Plan: what shall happen, as a plain list. Deciders (decompose, follow) make plans and touch nothing;
// perform carries them out in one atomic call. A plan can be printed, compared and tested.
import type { Multiplied } from './multiplied.js'
import type { Node } from '../canvas/node.js'
import type { SignatureJson } from '../canvas/wire.js'
import type { Ending } from './consumer.js'
import type { ChordKey, ChordOpening, ChordPart, PageKey } from './publication.js'
import type { ResultTuple } from './meta.js'

/** What runs after a message's task, in Celery's own JSON, `chain` reversed as on the wire. */
export interface Embed {
  readonly callbacks: readonly SignatureJson[] | null
  readonly errbacks: readonly SignatureJson[] | null
  readonly chain: readonly SignatureJson[] | null
  readonly chord: SignatureJson | null
  /** What else stood there, in other versions' words: a retry carries it on. */
  readonly other?: Readonly<Record<string, unknown>>
}

/** One message that is to be sent: everything but where to, which the router decides. */
export interface Outgoing {
  readonly task: string
  readonly id: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly embed: Embed
  readonly rootId: string
  readonly parentId: string | null
  readonly groupId?: string | null
  readonly groupIndex?: number | null
  readonly retries?: number
  /** ISO text for the header, and the moment it names. */
  readonly eta?: { readonly text: string; readonly ms: number } | null
  readonly expires?: { readonly text: string; readonly ms: number } | null
  readonly timeLimit?: number | null
  readonly softTimeLimit?: number | null
  readonly shadow?: string | null
  /** Shown instead of the arguments. */
  readonly argsrepr?: string | undefined
  readonly kwargsrepr?: string | undefined
  readonly ignoreResult?: boolean
  readonly replacedTaskNesting?: number
  readonly stampedHeaders?: readonly string[] | null
  readonly stamps?: Readonly<Record<string, unknown>>
  /** Custom headers. */
  readonly headers?: Readonly<Record<string, unknown>>
  readonly queue?: string
  readonly exchange?: string
  readonly routingKey?: string
  readonly priority?: number
  /** That of the task which sends it, where that is wanted and nobody says another. */
  readonly inheritedPriority?: number
  readonly serializer?: string
  readonly compression?: string
  readonly replyTo?: string
  /** Options that nobody here knows: they travel in `properties`, as in Celery. */
  readonly properties?: Readonly<Record<string, unknown>>
  /** A retry: it may be held by the server until its eta instead of waiting in the queue. */
  readonly hold?: boolean
}

export type Step =
  | { readonly do: 'publish'; readonly message: Outgoing }
  | { readonly do: 'open-chord'; readonly chord: ChordOpening }
  /** A header task adds one more to its chord. */
  | { readonly do: 'grow-chord'; readonly chord: ChordKey }
  /** Steps that wait, in running order, stored once for all messages that refer to them. */
  | { readonly do: 'keep'; readonly key: PageKey; readonly steps: readonly SignatureJson[] }
  /** A page has been carried on. */
  | { readonly do: 'free'; readonly key: PageKey }
  /** `result` is JSON text. */
  | {
      readonly do: 'store'
      readonly taskId: string
      readonly state: string
      readonly result: string
      readonly traceback: string | null
      readonly children: readonly ResultTuple[]
      readonly groupId: string | null
      readonly parentId: string | null
      /** What it is the end of, where that never ran. */
      readonly unrun?: Node
    }
  | { readonly do: 'report'; readonly part: ChordPart }
  | { readonly do: 'join'; readonly chord: ChordKey }
  | { readonly do: 'end'; readonly ending: Ending }

/** The shape of what a send gives back: ids, with their parents. */
export type ResultShape =
  | { readonly kind: 'task'; readonly id: string; readonly parent: ResultShape | null }
  | {
      readonly kind: 'group'
      readonly id: string
      readonly results: readonly ResultShape[]
      readonly parent: ResultShape | null
    }

export interface Plan {
  readonly steps: readonly Step[]
}

/** A plan for sending, with what the sender holds in hand afterwards. */
export interface SendPlan extends Plan {
  readonly result: ResultShape
  /** Tasks of it that must not be run by Python. */
  readonly multiplied?: readonly Multiplied[]
}

/** Levels of JSON in the tuple of a child: a value that is stored has at most 256. */
const mostLevels = 240

/** Celery's tuple of a result. `levels`: what stands deeper is left out of it. */
export const toTuple = (shape: ResultShape, levels = Number.POSITIVE_INFINITY): ResultTuple => {
  const inner = (part: ResultShape): ResultTuple => toTuple(part, levels - 2)
  const { id, parent } = shape
  return [
    [id, parent === null || levels < 4 ? null : inner(parent)],
    shape.kind !== 'group' ? null : levels < 4 ? [] : shape.results.map(inner),
  ]
}

/** The same as the AsyncResult that a task returns: of a long chain, its last steps. */
export const childOf = (shape: ResultShape): ResultTuple => toTuple(shape, mostLevels)

/**
 * The same as it stands in `children`. Of a chain that is too long to be told whole its first step stands there, too: its
 * own children lead to the next, and so on.
 */
export const childrenOf = (shape: ResultShape): readonly ResultTuple[] => {
  const child = childOf(shape)
  let first = shape
  let steps = 1
  for (let at = shape.parent; at !== null; at = at.parent) {
    first = at
    steps += 1
  }
  return 2 * steps < mostLevels ? [child] : [child, childOf(first)]
}
