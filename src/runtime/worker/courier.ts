// What a pool with children is given by its worker: jobs and outcomes as they cross, answers, and a log.
import type { Logger } from '../../log.js'
import type { Courier, Json } from '../../pools/pool.js'
import type { Backend } from '../backend.js'
import type { Broker } from '../broker.js'
import type { Fields } from '../events.js'
import { decodeJson } from '../json.js'
import type { Mailbox } from '../mailbox.js'
import { packDelivery, type Question, unpackOutcome } from './crossing.js'
import type { Held } from './held.js'
import { answerFar, type FarCall } from './far-carrier.js'
import { onlyLost } from './run-task.js'
import type { TaskJob } from './active-runs.js'

export interface CourierHost {
  ignoresResult(held: Held): boolean
  /** Stores a passing state. */
  store(held: Held, state: string, meta: unknown): Promise<boolean>
  /** Sends an event of a task's own, from that process. */
  event(type: string, fields: Fields, pid: number): Promise<void>
  broker(): Promise<Broker>
  backend(): Promise<Backend>
  mailbox(): Promise<Mailbox>
  readonly log: Logger
}

const methodOf = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warning',
  ERROR: 'error',
  CRITICAL: 'critical',
} as const

export const courierOf = (host: CourierHost): Courier<TaskJob> => ({
  pack: ({ held, delivery }) => packDelivery(delivery, host.ignoresResult(held)) as Json,
  unpack: (job, json, processName) => {
    const { outcome, ...traces } = unpackOutcome(json)
    job.context = traces
    job.processName = processName
    return outcome
  },
  answer: (job, json) => {
    const question = json as unknown as Question | FarCall
    if (question[0] === 'event')
      return host.event(question[1], decodeJson(question[2]) as Fields, question[3]).then(() => null)
    if (job === undefined || question[0] !== 'store') return answerFar(question as FarCall, host)
    return host.store(job.held, question[1], decodeJson(question[2])).catch(onlyLost)
  },
  log: ({ level, text, fields }, processName) =>
    host.log[methodOf[level]](text, processName === undefined ? fields : { ...fields, processName }),
})
