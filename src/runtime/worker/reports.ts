// What task events tell of the messages in a worker's hands. That a task has ended is told when its end is
// committed, and not before: who hears of it finds its result. While events are off, nothing is made or kept.
import { constants } from 'node:os'
import { NotRegistered, type Retry } from '../../errors.js'
import type { Fields } from '../events.js'
import { reprException, toExceptionInfo, tracebackOf } from '../failure.js'
import type { Message } from '../message.js'
import { shownArgs, shownKwargs } from '../redaction.js'
import { repr } from '../repr.js'
import type { Routed } from '../router.js'
import type { TaskDefinition } from '../task.js'

type Said = readonly [type: string, fields: Fields]

/** A message in the worker's hands. */
interface Held {
  readonly tag: string
  readonly message: Message
  readonly definition: TaskDefinition | undefined
}

/** Ends as the loop commits them. */
export interface Committed {
  readonly completion: { readonly tag: string }
}

export interface ReportsParts {
  readonly say: (type: string, fields: Fields) => void
  /** Where messages are told of that were sent with an end; undefined where they are not. */
  readonly tellSent: ((sent: readonly Routed[]) => void) | undefined
}

export class Reports {
  isOn = false
  /** Tag → how it ended, and what was sent with that. */
  private readonly ends = new Map<string, Said>()
  private readonly sent = new Map<string, Routed[]>()

  constructor(private readonly parts: ReportsParts) {}

  received({ message, definition }: Held): void {
    if (!this.isOn || definition?.options.sendEvents === false) return
    this.parts.say('task-received', {
      uuid: message.id,
      name: message.shadow ?? message.task,
      ...shown(message),
      root_id: message.rootId,
      parent_id: message.parentId,
      retries: message.retries,
      eta: message.eta?.text ?? null,
      expires: message.expires?.text ?? null,
    })
  }

  started({ message, definition }: Held): void {
    if (!this.isOn || definition?.options.sendEvents === false) return
    this.parts.say('task-started', { uuid: message.id })
  }

  succeeded(held: Held, value: unknown, ms: number): void {
    if (this.isOn)
      this.ended(held, 'task-succeeded', { result: repr(value), runtime: Math.round(ms * 1000) / 1e6 })
  }

  failed(held: Held, error: unknown): void {
    if (!this.isOn) return
    const exception = reprException(toExceptionInfo(error))
    this.ended(
      held,
      'task-failed',
      error instanceof NotRegistered ? { exception } : { exception, traceback: tracebackOf(error) ?? '' },
    )
  }

  retried(held: Held, retry: Retry): void {
    if (!this.isOn) return
    const { error } = retry.options
    this.ended(held, 'task-retried', {
      exception: error === undefined ? 'None' : reprException(toExceptionInfo(error)),
      traceback: tracebackOf(error ?? retry) ?? '',
    })
  }

  revoked(
    held: Held,
    how: { readonly expired: boolean; readonly terminated: boolean; readonly signum: string | null },
  ): void {
    if (this.isOn) this.ended(held, 'task-revoked', { ...how, signum: signalNumber(how.signum) })
  }

  rejected(held: Held, requeue: boolean): void {
    if (this.isOn) this.ended(held, 'task-rejected', { requeue })
  }

  /** It was aborted, and its message goes back. */
  cancelled(held: Held): void {
    if (this.isOn) this.ended(held, 'task-cancelled', {})
  }

  /** Collects what is sent with the end of this message, as it is prepared; undefined where nobody wants to know. */
  sending(tag: string): Routed[] | undefined {
    if (this.parts.tellSent === undefined) return undefined
    const sent: Routed[] = []
    this.sent.set(tag, sent)
    return sent
  }

  /** These ends are written; those at `refused` were not. */
  committed(ends: readonly Committed[], refused: readonly number[]): void {
    if (this.ends.size === 0 && this.sent.size === 0) return
    for (const [index, { completion }] of ends.entries()) {
      const { tag } = completion
      const said = this.ends.get(tag)
      const sent = this.sent.get(tag)
      this.ends.delete(tag)
      this.sent.delete(tag)
      if (refused.includes(index)) continue
      if (sent !== undefined) this.parts.tellSent?.(sent)
      if (said !== undefined && this.isOn) this.parts.say(...said)
    }
  }

  /** What is in hand is somebody else's now, and ends there. */
  lose(): void {
    this.ends.clear()
    this.sent.clear()
  }

  private ended({ tag, message, definition }: Held, type: string, fields: Fields): void {
    if (definition?.options.sendEvents === false) return
    this.ends.set(tag, [type, { uuid: message.id, ...fields }])
  }
}

/** As its sender wants them to be seen. */
const shown = (message: Message): Fields => ({ args: shownArgs(message), kwargs: shownKwargs(message) })

const signalNumber = (name: string | null): number | string | null =>
  name === null ? null : ((constants.signals as Readonly<Record<string, number>>)[name] ?? name)
