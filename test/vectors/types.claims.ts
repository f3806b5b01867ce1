import type { Claims } from './claims.js'

export const claims = {
  types: [
    'datetime-date-time',
    'decimal',
    'uuid',
    'bytes-utf8-and-binary',
    'numbers',
    'containers',
    'lone-surrogate-and-control',
  ],
} as const satisfies Claims
