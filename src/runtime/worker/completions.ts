// From a plan to the completion that a worker commits: what `follow` must know of a message, its references opened as
// far as its plan needs them, and `perform` to write it.
import type { SignatureJson } from '../../canvas/wire.js'
import type { CanvasLimits } from '../check-canvas.js'
import type { Completion } from '../consumer.js'
import type { FollowContext } from '../continue.js'
import { encodeValue } from '../json.js'
import { type ExtendedMeta, metaText } from '../meta.js'
import { type Means, toCompletion } from '../perform.js'
import type { Plan, Step } from '../plan.js'
import type { PageKey, StoredText } from '../publication.js'
import type { Held } from './held.js'
import type { Opened } from './pages.js'

/** Settings that decide about ends, where the task says nothing itself. */
export interface EndSettings {
  readonly ignoreResult: boolean
  readonly storeErrorsEvenIfIgnored: boolean
  readonly acksOnFailureOrTimeout: boolean
  readonly resultExpires: number
  readonly resultExtended: boolean
  readonly inheritPriority: boolean
  readonly headerErrbacks: boolean
  readonly limits: CanvasLimits
}

/** These pages go with what the plan commits. */
export const freeing = ({ steps }: Plan, pages: readonly PageKey[]): Plan => ({
  steps: [...pages.map((key): Step => ({ do: 'free', key })), ...steps],
})

export class Completions {
  constructor(
    private readonly settings: EndSettings,
    private readonly means: Means,
    private readonly hostname: string,
    private readonly mint: () => string,
  ) {}

  ignoresResult({ message, definition }: Pick<Held, 'message' | 'definition'>): boolean {
    return message.ignoreResult ?? definition?.options.ignoreResult ?? this.settings.ignoreResult
  }

  /** A state through which a task passes while it runs. */
  passing(held: Held, state: string, meta: unknown): StoredText {
    const { id, groupId, parentId } = held.message
    const extended = this.extended(held)
    const text = metaText({
      taskId: id,
      state,
      result: encodeValue(meta, `the meta of state ${state}`),
      nowMs: this.means.broker.now(),
      groupId,
      parentId,
      ...(extended !== undefined && { extended }),
    })
    return { taskId: id, state, text, expires: this.expires(held) }
  }

  expires({ definition }: Held): number {
    return definition?.options.resultExpires ?? this.settings.resultExpires
  }

  private readonly ignores = (step: SignatureJson): boolean => this.means.router.ignoresResult(step)

  /** What decides with `follow` about the end of this message. */
  context(held: Held): FollowContext {
    const { definition, message } = held
    return {
      mint: this.mint,
      nowMs: this.means.broker.now(),
      ignoreResult: this.ignoresResult(held),
      ignores: this.ignores,
      storeErrorsEvenIfIgnored:
        definition?.options.storeErrorsEvenIfIgnored ?? this.settings.storeErrorsEvenIfIgnored,
      children: held.sent,
      added: held.added,
      inheritPriority: this.settings.inheritPriority,
      headerErrbacks: this.settings.headerErrbacks,
      limits: this.settings.limits,
      placesUnrun: this.settings.resultExtended,
      isOurs: this.means.router.isOurs,
      queue: message.exchange === '' && message.routingKey !== '' ? message.routingKey : held.queue,
    }
  }

  /** The plan for a message whose references are opened as far as it needs, where it has any. */
  carry(
    held: Held,
    opened: Opened | Promise<Opened> | undefined,
    plan: (held: Held) => Plan,
  ): Completion | Promise<Completion> {
    if (opened === undefined) return this.commit(held, plan(held))
    const go = ({ message, frees }: Opened): Completion | Promise<Completion> =>
      this.commit(held, freeing(plan({ ...held, message }), frees))
    return opened instanceof Promise ? opened.then(go) : go(opened)
  }

  /** The plan as it is written: one atomic call of the consumer. */
  commit(held: Held, plan: Plan): Completion | Promise<Completion> {
    return toCompletion(
      plan,
      {
        tag: held.tag,
        message: held.message,
        resultExpires: this.expires(held),
        extended: this.extended(held),
      },
      this.means,
    )
  }

  private extended({ message, queue }: Held): ExtendedMeta | undefined {
    if (!this.settings.resultExtended) return undefined
    return {
      name: message.task,
      args: message.args,
      kwargs: message.kwargs,
      worker: this.hostname,
      retries: message.retries,
      queue: message.routingKey === '' ? queue : message.routingKey,
      ...(message.stampedHeaders !== null && {
        stampedHeaders: message.stampedHeaders,
        stamps: message.stamps,
      }),
    }
  }
}
