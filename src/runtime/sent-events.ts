// `task-sent`: what a sender tells of its messages when the broker has them (the setting taskSendSentEvent).
import type { Logger } from '../log.js'
import { encodeEvent, encodeEvents, makeEvent } from './event-message.js'
import type { Fields, OwnEvent } from './events.js'
import { origin } from './envelope.js'
import type { Mailbox } from './mailbox.js'
import { shownArgs, shownKwargs } from './redaction.js'
import type { Routed } from './router.js'

export interface SentEventsParts {
  readonly mailbox: () => Promise<Mailbox>
  readonly exchange: () => string
  readonly log: () => Logger
}

/** Events in one message, as Celery's workers have it. */
export const mostInOne = 24

export const sentFields = ({ message, address, queue }: Routed): Fields => ({
  uuid: message.id,
  root_id: message.rootId,
  parent_id: message.parentId,
  name: message.shadow ?? message.task,
  args: shownArgs(message),
  kwargs: shownKwargs(message),
  retries: message.retries ?? 0,
  eta: message.eta?.text ?? null,
  expires: message.expires?.text ?? null,
  queue: queue ?? null,
  exchange: address.exchange,
  routing_key: address.routingKey,
})

export class SentEvents {
  readonly #sender = { hostname: origin, clock: { value: 0 } }
  readonly #underWay = new Set<Promise<void>>()

  constructor(private readonly parts: SentEventsParts) {}

  /** Nobody waits for it: a message that was sent is sent, whoever hears of it. */
  tell(sent: readonly Routed[]): void {
    if (sent.length === 0) return
    const events = sent.map((routed) => makeEvent(this.#sender, 'task-sent', sentFields(routed)))
    const telling = this.#publish(events)
      .catch((error: unknown) => this.parts.log().debug(`task-sent could not be told: ${String(error)}`))
      .finally(() => this.#underWay.delete(telling))
    this.#underWay.add(telling)
  }

  async #publish(events: readonly OwnEvent[]): Promise<void> {
    const exchange = this.parts.exchange()
    const mailbox = await this.parts.mailbox()
    for (let at = 0; at < events.length; at += mostInOne) {
      const [first, ...more] = events.slice(at, at + mostInOne) as [OwnEvent, ...OwnEvent[]]
      const { raw, routingKey } =
        more.length === 0 ? encodeEvent(first, exchange) : encodeEvents([first, ...more], exchange)
      await mailbox.broadcast(exchange, raw, routingKey)
    }
  }

  /** Resolves when all is told, or cannot be. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
  }
}
