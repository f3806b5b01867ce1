// Everything that crosses between a pool and one of its children, on one page. What is said in one turn of the
// event loop crosses as one frame; all of it is JSON, and what is inside (`Json`) is the runtime's business.
import type { ChildLine, Json } from '../pool.js'

/** Pool → child. */
export type ToChild =
  /** The first word: what to load. */
  | readonly ['load', cargo: Json, limits: ChildLimits]
  /** Run this. Said to an idle child only; `soft` is in seconds. */
  | readonly ['run', run: number, id: string, task: string, soft: number | null, parcel: Json]
  /** Its end counts for nothing any more: let it end. */
  | readonly ['abort', run: number, reason: AbortReason]
  /** To a question. */
  | readonly ['answer', question: number, value: Json]
  | readonly ['refusal', question: number, message: string]
  /** The last word: end. */
  | readonly ['end']

/** Child → pool. */
export type FromChild =
  /** Loaded: it can run what is named in `facts`. */
  | readonly ['ready', facts: Json]
  /** What it should load cannot be loaded; it ends. */
  | readonly ['broken', why: string]
  | readonly ['ended', run: number, outcome: Json]
  /** It has grown beyond its limit and wants to be replaced. */
  | readonly ['full', rssKib: number]
  /** User code wants something and waits for the answer; on behalf of its run, or of none. */
  | readonly ['ask', question: number, run: number | null, what: Json]
  | readonly ['log', line: ChildLine]

export interface ChildLimits {
  /** KiB. */
  readonly maxMemory: number | null
}

/** The name of one of our errors, and its sentence. */
export type AbortReason = readonly [name: string, message: string]

export type Frame<Message> = readonly Message[]

/** One end of the channel, as the child sees it. */
export interface Line {
  send(frame: Frame<FromChild>): void
  onFrame(listener: (frame: Frame<ToChild>) => void): void
  /** The other end is gone: nobody is left to work for. */
  onClose(listener: () => void): void
  /** Ends this child when all that was said is on its way. */
  end(code: number): void
}

/** A started child, as the pool sees it. */
export interface Link {
  /** Process id; for a thread its own number. */
  readonly id: number
  send(frame: Frame<ToChild>): void
  /** At once, whatever it does. */
  kill(): void
}

/** `gone` comes once, last: when all that the child said has been heard. */
export interface LinkEvents {
  /** What came, unseen. */
  frame(frame: unknown): void
  gone(how: string): void
}

export type StartChild = (events: LinkEvents) => Link
