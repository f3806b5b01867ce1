import type { Claims } from './claims.js'

/** ../redis/results.test.ts */
export const claims = {
  results: [
    'success',
    'failure',
    'failure-custom-exception',
    'retry',
    'retry-of-ignore-result',
    'retry-without-exception',
    'retries-exceeded',
    'custom-state',
    'expired-revoked',
    'revoked-before-start',
    'revoked-terminated',
    'ignore-raised',
    'ignore-result-option',
    'ignore-result-failure',
    'unregistered-task',
    'return-not-serializable',
    'children',
    'types-in-result',
    'group-member',
    'reply-task-request',
    'started',
    'extended-success',
    'extended-stamped-success',
    'extended-failure',
    'soft-time-limit',
    'hard-time-limit',
  ],
} as const satisfies Claims
