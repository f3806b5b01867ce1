import type { Claims } from './claims.js'

export const claims = {
  signatures: [
    'task',
    'task-kwargs',
    'immutable',
    'options',
    'by-name',
    'linked',
    'chain',
    'chain-with-group-tail',
    'group',
    'group-then-task',
    'chord',
    'chord-in-chain',
    'map',
    'starmap',
    'chunks',
    'empty-group',
    'nested-group',
    'chain-frozen',
    'chord-frozen',
  ],
} as const satisfies Claims
