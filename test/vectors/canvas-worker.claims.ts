import type { Claims } from './claims.js'

/** ../conformance/app/captured/worker.test.ts */
export const claims = {
  'canvas-progress': [
    'chain-second-message',
    'chain-last-message',
    'chain-results',
    'chain-failure',
    'chain-immutable-second-message',
    'chain-to-group-messages',
    'chain-to-chord-messages',
    'chord-one-of-three-done',
    'chord-done-body-held',
    'chord-body-failure',
    'chord-nested-chord',
    'chord-ignore-result-header',
    'replace-task',
    'replace-group',
    'replace-in-chain',
    'replace-in-chord',
    'map-result',
    'starmap-result',
    'chunks-builtin-task',
    'group-result-saved',
    'protocol-1-executed',
    'chord-unordered-one-of-two-done',
  ],
  callbacks: [
    'callback-message',
    'two-callbacks-message',
    'errback-old-message',
    'errback-unregistered-message',
    'errback-immutable-message',
  ],
} as const satisfies Claims
