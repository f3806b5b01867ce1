import type { Claims } from './claims.js'

/** calls.test.ts; the binding of `plain-and-bindings` is looked up on a Redis in ../redis/calls.test.ts. */
export const claims = {
  calls: [
    'plain',
    'plain-and-bindings',
    'args-kwargs-nested',
    'countdown',
    'eta-aware',
    'eta-naive',
    'expires-seconds',
    'expires-datetime',
    'priority-0',
    'priority-3',
    'priority-5',
    'priority-6',
    'priority-9',
    'other-queue',
    'time-limits-shadow-headers-taskid',
    'ignore-result',
    'send-task-unknown-name',
    'yaml-serializer',
    'protocol-1',
    'protocol-1-with-eta-link',
  ],
  compression: ['gzip', 'zlib', 'bzip2', 'lzma'],
} as const satisfies Claims
