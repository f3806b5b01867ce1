// How a consumer is asked for where a test does not care.
import type { ConsumerOptions } from '../../src/runtime/consumer.js'

export const consumerOptions = (own: Partial<ConsumerOptions> = {}): ConsumerOptions => ({
  hostname: 'w@host',
  queues: ['q'],
  strategy: 'round_robin',
  leaseMs: 60_000,
  onLost: () => undefined,
  onTrouble: () => undefined,
  deadLetterMax: 100,
  deadLetterExpires: 3600,
  ...own,
})
