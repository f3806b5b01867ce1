// What a user has around his messages: signals and middleware see each message of a plan before it is written,
// and hear when the plan has left. Only apps that have such pay for it.
import type { Logger } from '../log.js'
import { type Middleware, publishThrough } from './middleware.js'
import type { Outgoing, Step } from './plan.js'
import type { PublishedMessage, TaskSignalling } from './task-signals.js'

export interface Woven {
  readonly steps: readonly Step[]
  /** To be called once, when it has left, or could not. */
  readonly left: (error?: unknown) => void
}

export class Weaver {
  readonly #layers: Middleware[] = []

  constructor(
    private readonly signals: TaskSignalling,
    private readonly log: () => Logger,
  ) {}

  use(layer: Middleware): void {
    this.#layers.push(layer)
  }

  get layers(): readonly Middleware[] {
    return this.#layers
  }

  /** Whether anybody would see a message. */
  get isNeeded(): boolean {
    return (
      this.#layers.some(({ publish }) => publish !== undefined) ||
      (!this.signals.isQuiet &&
        (this.signals.has('beforeTaskPublish') || this.signals.has('afterTaskPublish')))
    )
  }

  async weave(steps: readonly Step[]): Promise<Woven> {
    let resolve: () => void = () => undefined
    let reject: (error: unknown) => void = () => undefined
    const whenLeft = new Promise<void>((done, failed) => {
      resolve = done
      reject = failed
    })
    whenLeft.catch(() => undefined)
    const woven = await Promise.all(
      steps.map(
        async (step): Promise<Step> =>
          step.do === 'publish' ? { ...step, message: await this.through(step.message, whenLeft) } : step,
      ),
    )
    return { steps: woven, left: (error) => (error === undefined ? resolve() : reject(error)) }
  }

  /** Resolves with what is to be written. The layers end later. */
  private through(message: Outgoing, whenLeft: Promise<void>): Promise<Outgoing> {
    return new Promise((write) => {
      const send = async (given: PublishedMessage): Promise<void> => {
        const outgoing = await this.announce(keepIds(given, message))
        write(outgoing)
        await whenLeft
        await this.signals.send('afterTaskPublish', facts(outgoing))
      }
      void publishThrough(this.#layers, message, send, this.log())
    })
  }

  private async announce(message: Outgoing): Promise<Outgoing> {
    if (!this.signals.has('beforeTaskPublish')) return message
    const headers = { ...message.headers }
    await this.signals.send('beforeTaskPublish', { ...facts(message), headers })
    return { ...message, headers }
  }
}

const facts = (message: Outgoing) => ({ taskId: message.id, task: message.task, message })

/** What others know of the message stays as it is: its ids, and what follows it. */
const keepIds = (given: PublishedMessage, message: Outgoing): Outgoing => ({
  ...message,
  ...given,
  id: message.id,
  task: message.task,
  embed: message.embed,
  rootId: message.rootId,
  parentId: message.parentId,
  ...(message.groupId !== undefined && { groupId: message.groupId }),
})
