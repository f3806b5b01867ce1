// A worker's hold on its queues, asked for as its settings say.
import type { Logger } from '../../log.js'
import type { Broker } from '../broker.js'
import type { Consumer, ConsumerOptions } from '../consumer.js'
import { writeNews } from '../news.js'
import type { WorkerParts } from './parts.js'
import type { Consumption } from './queues.js'

export interface ConsumeOptions extends Pick<ConsumerOptions, 'onLost' | 'onParked' | 'onTrouble'> {
  readonly parts: WorkerParts
  readonly hostname: string
  readonly consumption: Consumption
  /** Its tasks may block this loop. */
  readonly blocks: boolean
  readonly log: Logger
}

export const consume = (
  broker: Broker,
  { parts, consumption, log, ...own }: ConsumeOptions,
): Promise<Consumer> => {
  const { settings, registry } = parts
  const { guards } = parts.means(broker)
  const unsigned = guards?.unsigned(consumption.queues) ?? []
  if (unsigned.length > 0) log.warning(signsForAnybody(unsigned))
  return broker.consume({
    ...own,
    queues: consumption.queues,
    bindings: consumption.bindings,
    strategy: settings.strategy,
    leaseMs: settings.workerLease * 1000,
    deadLetterMax: settings.deadLetterMax,
    deadLetterExpires: settings.deadLetterExpires,
    gated: registry.some(({ options }) => options.concurrencyKey !== undefined),
    newsOf: (silent, queue) => writeNews(silent, queue, broker.now(), guards),
  })
}

const signsForAnybody = (unsigned: readonly string[]): string =>
  `This worker can sign, and takes what nobody signed from ${unsigned.join(', ')}: whoever can write there has it sign ` +
  'what follows from a message. Consume signed queues with workers of their own, which consume no others.'
