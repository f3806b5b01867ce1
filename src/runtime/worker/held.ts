// A message in a worker's hands, and how the log speaks of it.
import type { Addition } from '../addition.js'
import type { Message } from '../message.js'
import type { ResultTuple } from '../meta.js'
import type { TaskDefinition } from '../task.js'

/** A message in the worker's hands. */
export interface Held {
  readonly tag: string
  readonly queue: string
  readonly message: Message
  /** undefined: nobody here knows the task. */
  readonly definition: TaskDefinition | undefined
  /** What the task sent while it ran. */
  readonly sent: readonly ResultTuple[]
  /** What it wants to be sent with its end. */
  readonly added: readonly Addition[]
  /** The log's name of the child that ran it. */
  readonly processName?: string | undefined
}

export const nameOf = ({ task, id }: Message): string => `${task}[${id}]`

export const factsOf = ({ task, id }: Message): Readonly<Record<string, unknown>> => ({ task, id })

/** The end of a run is told in the name of what ran it. */
export const toldBy = ({ message, processName }: Held): Readonly<Record<string, unknown>> =>
  processName === undefined ? factsOf(message) : { ...factsOf(message), processName }
