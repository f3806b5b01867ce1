import type { Claims } from './claims.js'

/** test/redis/vectors.test.ts. Restoring what Python workers held (`shared` queues) is still to come. */
export const claims = {
  broker: [
    'publish-commands',
    'explicit-direct-exchange',
    'unroutable-is-dropped',
    'topic-exchange',
    'fanout',
    'worker-bindings',
    'brpop-commands',
    'consume-and-ack-commands',
    'eta-reserved-unacked',
    'warm-shutdown-restored',
    'killed-worker-unacked',
    'visibility-timeout-restored',
    'requeued-by-consumer',
    'global-keyprefix',
  ],
} as const satisfies Claims
