// The settings that are small objects: transport options of broker and results. Names inside are camelCase
// or snake_case, as everywhere.
import { right } from './either.js'
import { always, type Decode, flag, oneOf, refuse, seconds, shape, text } from './config-decode.js'

/** Which Redis is meant, where `sentinel://` names those who know it. */
export interface SentinelOptions {
  /** The name under which the sentinels know it. It may stand in the URL instead. */
  readonly masterName?: string
  /** How we show ourselves to the sentinels; user and password of the URL are for Redis itself. */
  readonly sentinelKwargs?: {
    readonly username?: string
    readonly password?: string
    /** TLS to the sentinels themselves. Default: with rediss+sentinel:// only. */
    readonly ssl?: boolean
  }
}

export interface BrokerTransportOptions extends SentinelOptions {
  /** Verbatim before every key of the broker, as kombu's `global_keyprefix`. */
  readonly globalKeyPrefix?: string
  /** Seconds, for shared queues. Own queues need none (leases do its work). */
  readonly visibilityTimeout?: number
  /** Which of several queues is looked at first. */
  readonly queueOrderStrategy?: 'round_robin' | 'sorted' | 'priority'
}

export interface BackendTransportOptions extends SentinelOptions {
  /** Before every key of results; `_` is added unless it ends in one of `: _ - .` */
  readonly globalKeyPrefix?: string
}

const connections = 'connections look after themselves here (keepalive, health, reconnection); leave it out'
const notPolled = 'leave it out; it would change what Python peers find in Redis'

const tuning: Readonly<Record<string, string>> = {
  socketTimeout: connections,
  socketConnectTimeout: 'use the setting brokerConnectionTimeout',
  socketKeepalive: connections,
  socketKeepaliveOptions: connections,
  healthCheckInterval: connections,
  maxConnections: connections,
  retryOnTimeout: connections,
  retryPolicy: connections,
  connectionPool: connections,
  minOtherSentinels: 'the first sentinel that answers is believed; leave it out',
  sentinelFanoutCompat: 'workers with kombu before 5.4 do not hear remote control here; leave it out',
  sep: notPolled,
  unackedKey: notPolled,
  unackedIndexKey: notPolled,
  unackedMutexKey: notPolled,
}

const inUrl = 'certificates stand in the URL, for Redis and its sentinels: ?ssl_ca_certs='

const sentinel = {
  masterName: text,
  sentinelKwargs: shape<NonNullable<SentinelOptions['sentinelKwargs']>>(
    { username: text, password: text, ssl: flag },
    { sslCaCerts: inUrl, sslCertfile: inUrl, sslKeyfile: inUrl, sslCertReqs: inUrl },
  ),
}

// kombu's spelling has one word where ours has two.
const respell =
  <A>(decode: Decode<A>): Decode<A> =>
  (value, at) =>
    decode(
      typeof value === 'object' && value !== null && 'global_keyprefix' in value
        ? Object.fromEntries(
            Object.entries(value).map(([key, member]) => [
              key === 'global_keyprefix' ? 'globalKeyPrefix' : key,
              member,
            ]),
          )
        : value,
      at,
    )

const steps: Decode<string> = (value, at) =>
  JSON.stringify(value) === '[0,3,6,9]'
    ? right('')
    : refuse(at, '[0, 3, 6, 9], the lists that a queue has', value)

export const decodeBrokerOptions: Decode<BrokerTransportOptions> = respell(
  shape<BrokerTransportOptions & Record<'fanoutPrefix' | 'fanoutPatterns', true> & { prioritySteps: string }>(
    {
      ...sentinel,
      globalKeyPrefix: text,
      visibilityTimeout: seconds('more'),
      queueOrderStrategy: oneOf('round_robin', 'sorted', 'priority'),
      prioritySteps: steps,
      fanoutPrefix: always(true, 'without it databases hear each other; leave it out'),
      fanoutPatterns: always(true, 'leave it out'),
    },
    tuning,
  ),
)

export const decodeBackendOptions: Decode<BackendTransportOptions> = respell(
  shape<BackendTransportOptions & { resultChordOrdered: true }>(
    {
      ...sentinel,
      globalKeyPrefix: text,
      resultChordOrdered: always(true, 'the results of a chord always come in the order of its header'),
    },
    tuning,
  ),
)
