import type { Claims } from './claims.js'

/** ../conformance/app/captured/mended.test.ts: where Celery hangs, loses or mixes up, and we do not. */
export const claims = {
  canvas: [
    'group-nested',
    'chord-body-group',
    'chord-header-chain-ending-in-group',
    'chord-unlock-fallback',
  ],
  'canvas-progress': ['chain-with-chord-then-task-messages', 'chord-header-failure', 'chord-nested-group-order', 'chord-complex-header'],
  'canvas-errors': [
    'chord-in-chain-header-fails',
    'chord-in-chord-header-fails',
    'chord-body-group-header-fails',
    'chord-of-chains-first-step-fails',
    'chord-header-unregistered',
  ],
} as const satisfies Claims
