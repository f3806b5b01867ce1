// PORT Carrier: broker and backend of one app, made together because a completion writes to both at once.
// `app.ts` chooses the room by the URL; each room exports one function of type OpenCarrier.
import type { SentinelOptions } from '../config-options.js'
import type { Logger } from '../log.js'
import type { Backend } from './backend.js'
import type { Broker } from './broker.js'
import type { Mailbox } from './mailbox.js'

export interface Carrier {
  readonly broker: Broker
  readonly backend: Backend
  readonly mailbox: Mailbox
}

export type { SentinelOptions }

export interface CarrierOptions {
  readonly brokerUrl: string
  /** Another database of the same server, or another server. */
  readonly backendUrl: string
  /** For URLs of sentinels: which Redis is meant. */
  readonly sentinels?: { readonly broker: SentinelOptions; readonly results: SentinelOptions }
  /** Verbatim before every key of the broker. Default ''. */
  readonly globalKeyPrefix: string
  /** Before every key of results; `_` is added unless it ends in one of `: _ - .` Default ''. */
  readonly resultKeyPrefix: string
  /**
   * Queues that Python workers consume as well, and the seconds after which a message that one of them holds is
   * given to others. None: all queues are ours alone.
   */
  readonly sharing?: { readonly queues: ReadonlySet<string>; readonly visibilityTimeout: number }
  /** Seconds that a publish or a read may take before it fails with OperationalError. */
  readonly timeout: number
  readonly log: Logger
}

/** Opens nothing yet: connections are made on first use and do not keep the process alive while nobody waits. */
export type OpenCarrier = (options: CarrierOptions) => Carrier
