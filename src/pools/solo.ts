// The solo pool: one task at a time, in place.
import { createFiberPool } from './fiber.js'
import type { Execute, Job, Pool } from './pool.js'

export const createSoloPool = <J extends Job>(execute: Execute<J>): Pool<J> =>
  createFiberPool(1, execute, { name: 'solo' })
