// A worker's queues: what they are called, where they are bound, and which of them are its own: copies of broadcasts,
// and with `workerDirect` the one that only it consumes.
import { declaredQueues, type Settings } from '../../config.js'
import type { Binding } from '../binding.js'
import { ownQueue } from '../broadcast.js'
import type { QueueView } from '../control/node.js'
import { directExchange, directName } from '../direct.js'

const directQueue = (hostname: string): QueueView => ({
  name: directName(hostname),
  exchange: directExchange,
  exchangeType: 'direct',
  routingKey: hostname,
})

/** As they are declared, or as Celery makes them where nobody has declared them. */
export const viewQueues = (
  names: readonly string[],
  settings: Settings,
  hostname: string,
): readonly QueueView[] => {
  const declared = declaredQueues(settings)
  const own = settings.workerDirect ? directQueue(hostname) : undefined
  const all = own === undefined || names.includes(own.name) ? names : [...names, own.name]
  return all.map(
    (name) =>
      declared.get(name) ??
      (name === own?.name ? own : { name, exchange: name, exchangeType: 'direct', routingKey: name }),
  )
}

export interface Consumption {
  readonly queues: readonly string[]
  /** Besides the exchange of a queue's own name. */
  readonly bindings: readonly Binding[]
  readonly fanouts: readonly Binding[]
}

export const consumptionOf = (views: readonly QueueView[], hostname: string): Consumption => {
  const all = views.map(({ name, ...rest }): Binding => ({ queue: name, ...rest }))
  const fanouts = all.filter(({ exchangeType }) => exchangeType === 'fanout')
  const isUsual = ({ queue, exchange, exchangeType, routingKey }: Binding): boolean =>
    exchangeType === 'direct' && exchange === queue && routingKey === queue
  return {
    queues: all.map(({ queue, exchangeType }) =>
      exchangeType === 'fanout' ? ownQueue(queue, hostname) : queue,
    ),
    bindings: all.filter((binding) => !isUsual(binding) && !fanouts.includes(binding)),
    fanouts,
  }
}
