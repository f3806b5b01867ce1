// The queues that a worker consumes, which may become more or fewer while it runs: Celery's add_consumer and
// cancel_consumer. What it holds of a queue that it leaves, it still brings to an end.
import { declaredQueues, type Settings } from '../../config.js'
import { InvalidUsage } from '../../errors.js'
import type { Consumer } from '../consumer.js'
import type { QueueView } from '../control/node.js'
import { consumptionOf, viewQueues } from './queues.js'

export class ServedQueues {
  #views: readonly QueueView[]

  constructor(
    names: readonly string[],
    private readonly settings: Settings,
    private readonly hostname: string,
  ) {
    this.#views = viewQueues(names, settings, hostname)
  }

  get views(): readonly QueueView[] {
    return this.#views
  }

  get names(): readonly string[] {
    return this.#views.map(({ name }) => name)
  }

  get consumption() {
    return consumptionOf(this.#views, this.hostname)
  }

  /** `asked` counts where nobody declared the queue. False: it was one of them before. Throws InvalidUsage. */
  async add(consumer: Pick<Consumer, 'serve'>, asked: QueueView): Promise<boolean> {
    if (this.names.includes(asked.name)) return false
    const view = declaredQueues(this.settings).get(asked.name) ?? asked
    mustStay(view)
    const views = [...this.#views, view]
    const { queues } = consumptionOf(views, this.hostname)
    await consumer.serve(queues, consumptionOf([view], this.hostname).bindings)
    this.#views = views
    return true
  }

  /** False: it was none of them. Throws InvalidUsage. */
  async leave(consumer: Pick<Consumer, 'serve'>, name: string): Promise<boolean> {
    const view = this.#views.find((known) => known.name === name)
    if (view === undefined) return false
    mustStay(view)
    const views = this.#views.filter((known) => known !== view)
    await consumer.serve(consumptionOf(views, this.hostname).queues, [])
    this.#views = views
    return true
  }
}

const mustStay = ({ name, exchangeType }: QueueView): void => {
  if (exchangeType === 'fanout')
    throw new InvalidUsage(
      `The queue "${name}" is a broadcast: a worker hears it from its start (-Q ${name}), to its end.`,
    )
}
