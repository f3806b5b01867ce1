// A purge: what waits in a queue is dropped. Of a task that stands alone nobody is told, as in Celery. But where
// a chord waits for it, or something was to follow, it ends as if it were revoked: nobody waits for ever, and
// nothing of its canvas stays in the broker. So all of it is set aside by one script, and a consumer like a worker's
// ends it piece by piece; one that is killed in between leaves the rest to the next purge of this queue.
import * as Either from '../../either.js'
import { LeaseLost } from '../../errors.js'
import type { Logger } from '../../log.js'
import { noAdditions } from '../addition.js'
import type { Broker } from '../broker.js'
import type { Completion, Consumer, Delivery, Join } from '../consumer.js'
import { textDepthOf } from '../json-limits.js'
import { decodeMessage, type Message } from '../message.js'
import { newsTask } from '../news.js'
import { ownPlace, seatsAround } from '../parts.js'
import { fenceOf, type Means } from '../perform.js'
import { purgedQueue } from '../purged.js'
import { resumeTask } from '../reference.js'
import type { Registry } from '../registry.js'
import { releaseTask, stageIn } from '../stage.js'
import { holds } from '../unfold.js'
import { Completions } from './completions.js'
import { bare, type Ended } from './ended.js'
import { Ends } from './ends.js'
import type { Held } from './held.js'
import { Pages } from './pages.js'
import type { WorkerParts } from './parts.js'

export interface PurgeParts {
  readonly broker: Broker
  readonly means: Means
  readonly registry: Registry
  readonly settings: WorkerParts['settings']
  readonly mint: () => string
  readonly log: Logger
}

const atOnce = 200
const hostname = 'purge@lovage'

const dropped = (tag: string): Ended => bare(tag, { kind: 'ack' })

const silent = {
  succeeded: () => undefined,
  failed: () => undefined,
  retried: () => undefined,
  rejected: () => undefined,
  cancelled: () => undefined,
}

/** Drops what waits in the queue: how many messages there were. */
export const purge = async (parts: PurgeParts, queue: string): Promise<number> => {
  const moved = await parts.broker.setAside(queue)
  if (moved === 0) return 0
  const unstaged = await new Purge(parts, queue).end()
  // What was cut off before is over now.
  return moved === null ? purge(parts, queue) : moved + unstaged
}

/** Ends what was set aside of the queue and not ended yet, whoever purged it. */
export const finishPurge = async (parts: PurgeParts, queue: string): Promise<void> => {
  await new Purge(parts, queue).end()
}

class Purge {
  #unstaged = 0

  constructor(
    private readonly parts: PurgeParts,
    private readonly queue: string,
  ) {}

  /** Ends all that was set aside: how many more messages than that a stage held for the queue. */
  async end(): Promise<number> {
    const { broker, settings, log } = this.parts
    const consumer = await broker.consume({
      hostname,
      queues: [purgedQueue(this.queue)],
      strategy: 'round_robin',
      leaseMs: settings.workerLease * 1000,
      deadLetterMax: settings.deadLetterMax,
      deadLetterExpires: settings.deadLetterExpires,
      onLost: () => undefined,
      onTrouble: ({ ok, message }) => (ok ? log.info(message) : log.error(message)),
    })
    try {
      await this.#drain(consumer)
    } finally {
      await consumer.close()
    }
    return this.#unstaged
  }

  async #drain(consumer: Consumer): Promise<void> {
    const { means, broker, settings, mint, log } = this.parts
    const staging = { stage: consumer.stage?.bind(consumer), served: broker.served?.bind(broker) }
    const pages = new Pages(consumer, means.router.isOurs, textDepthOf(settings.limits.canvasMaxLevels))
    const completions = new Completions(settings, { ...means, ...staging }, hostname, mint)
    const ends = new Ends(settings, completions, pages, log, silent, {
      keep: async () => undefined,
    })
    let ended: readonly Ended[] = []
    for (;;) {
      try {
        const over = ended.map(({ completion }) => completion)
        const { joins, deliveries } = await consumer.step(0, over, atOnce)
        if (joins.length === 0 && deliveries.length === 0) return
        const bodies = ended.map((each, index) => this.#join(ends, each, index, joins))
        const own = deliveries.map((delivery) => this.#end(consumer, ends, delivery))
        ended = (await Promise.all([...bodies, ...own])).filter((each) => each !== undefined)
      } catch (error) {
        // What was in hand lies there again.
        if (!(error instanceof LeaseLost)) throw error
        ended = []
      }
    }
  }

  /** The bodies of chords whose last part this was. */
  async #join(
    ends: Ends,
    { held, completion }: Ended,
    index: number,
    joins: readonly Join[],
  ): Promise<Ended | undefined> {
    const own = joins.filter((join) => join.completion === index)
    if (own.length === 0 || held === undefined) return undefined
    return { held, completion: await ends.ofJoins(held, own, completion.ending) }
  }

  async #end(consumer: Consumer, ends: Ends, delivery: Delivery): Promise<Ended | undefined> {
    const { tag } = delivery
    const message = this.#read(delivery)
    if (message === undefined) return dropped(tag)
    const definition = this.parts.registry.get(message.task)
    const held: Held = { tag, queue: this.queue, message, definition, sent: [], added: noAdditions }
    if (delivery.redelivered && (delivery.uncertain || delivery.attempts > 0)) {
      const note = await consumer.note(tag, fenceOf(message), seatsAround(message))
      if (note.kind === 'lost') return undefined
      if (note.kind === 'done')
        return note.joins.length === 0
          ? dropped(tag)
          : { held, completion: await ends.ofJoins(held, note.joins, { kind: 'ack' }) }
    }
    try {
      return { held, completion: await this.#endOf(consumer, ends, held) }
    } catch (error) {
      if (error instanceof LeaseLost) throw error
      this.parts.log.error(
        `Task ${message.task}[${message.id}] was purged, and who waits for it could not be told: ${String(error)}`,
      )
      return dropped(tag)
    }
  }

  async #endOf(consumer: Consumer, ends: Ends, held: Held): Promise<Completion> {
    const { message, tag } = held
    if (message.task === releaseTask) await this.#release(consumer, message)
    if (message.task === newsTask) return ends.ofNews(held)
    const { chain, callbacks } = message.embed
    const isAwaited =
      message.task === resumeTask ||
      ownPlace(message) !== undefined ||
      (chain ?? []).length > 0 ||
      holds(callbacks)
    return isAwaited ? ends.ofRevoked(held, 'purged') : dropped(tag).completion
  }

  /** What is staged for this queue is purged with it; what is for others goes there. */
  async #release(consumer: Consumer, message: Message): Promise<void> {
    const staged = stageIn(message)
    if (staged === undefined || consumer.unstage === undefined) return
    for (const [list, [target, priority]] of staged.targets.entries()) {
      const isOurs = target === this.queue
      const queue = isOurs ? purgedQueue(target) : target
      for (;;) {
        const moved = await consumer.unstage({ stage: staged.stage, list, queue, priority })
        if (moved === 0) break
        if (isOurs) this.#unstaged += moved
      }
    }
  }

  /** undefined: nothing of it can be read, or believed. */
  #read({ raw, redelivered }: Delivery): Message | undefined {
    const { means, broker, settings } = this.parts
    const guard = means.guards?.guard(this.queue, redelivered, broker.now())
    const decoded = decodeMessage(raw, guard, textDepthOf(settings.limits.canvasMaxLevels))
    if (Either.isRight(decoded)) return decoded.right
    const { isForged, message } = decoded.left
    return isForged ? undefined : message
  }
}
