// Settings as a user writes them: what is understood, in which spellings, and what is said otherwise.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  declaredQueues,
  mergeSettings,
  readSettings,
  type SettingsInput,
  settingName,
} from '../../src/config.js'
import { refusals, withoutEffect } from '../../src/config-celery.js'
import { table } from '../../src/config-table.js'

const read = (input: SettingsInput | Record<string, unknown>, env: Record<string, string> = {}) =>
  readSettings(input as SettingsInput, env)
const sentence = (input: Record<string, unknown>): string => {
  try {
    read(input)
  } catch (error) {
    expect((error as Error).name).toBe('ImproperlyConfigured')
    return (error as Error).message
  }
  return 'accepted'
}

describe('defaults', () => {
  it('lose nothing: late acks, redelivery, no prefetch, no giving up', () => {
    expect(read({})).toMatchObject({
      taskAcksLate: true,
      taskRejectOnWorkerLost: true,
      workerPrefetchMultiplier: 1,
      brokerConnectionMaxRetries: null,
      workerLease: 20,
      maxDeliveries: 5,
    })
  })

  it('are otherwise Celery’s', () => {
    expect(read({})).toMatchObject({
      taskDefaultQueue: 'celery',
      resultExpires: 86_400,
      taskIgnoreResult: false,
      taskCreateMissingQueues: true,
    })
  })

  it('are frozen', () => {
    expect(Object.isFrozen(read({}))).toBe(true)
  })
})

describe('names', () => {
  it('are camelCase, snake_case, upper case with a prefix, or those of old Celery', () => {
    expect(read({ taskAcksLate: false }).taskAcksLate).toBe(false)
    expect(read({ task_acks_late: false }).taskAcksLate).toBe(false)
    expect(read({ CELERY_TASK_ACKS_LATE: false }).taskAcksLate).toBe(false)
    expect(read({ CELERY_ACKS_LATE: false }).taskAcksLate).toBe(false)
    expect(read({ BROKER_URL: 'redis://a' }).brokerUrl).toBe('redis://a')
    expect(read({ broker: 'redis://a', backend: 'redis://b' })).toMatchObject({
      brokerUrl: 'redis://a',
      resultBackend: 'redis://b',
    })
  })

  it('that are mistyped are answered with the one that is meant', () => {
    expect(sentence({ taskRoute: {} })).toBe('Unknown setting "taskRoute". Did you mean taskRoutes?')
    expect(sentence({ task_ack_late: true })).toBe(
      'Unknown setting "task_ack_late". Did you mean taskAcksLate?',
    )
    expect(sentence({ somethingElse: 1 })).toBe('Unknown setting "somethingElse".')
    expect(sentence(JSON.parse('{"__proto__": {"taskAcksLate": false}}') as Record<string, unknown>)).toBe(
      'Unknown setting "__proto__".',
    )
  })

  it('may not contradict each other', () => {
    expect(sentence({ taskAcksLate: true, task_acks_late: false })).toBe(
      'taskAcksLate and task_acks_late are the same setting, with two values: true and false. Keep one.',
    )
  })
})

describe('mergeSettings', () => {
  it('lets the second count, whatever the spelling, and keeps what it does not mention', () => {
    const merged = mergeSettings(
      { broker: 'redis://a', task_acks_late: false },
      { brokerUrl: 'memory://', backend: undefined },
    )
    expect(merged).toEqual({ brokerUrl: 'memory://', taskAcksLate: false })
  })
})

describe('values', () => {
  const wrong: readonly [Record<string, unknown>, string][] = [
    [{ workerConcurrency: 'ten' }, 'workerConcurrency: expected a whole number of at least 1, got "ten"'],
    [
      { workerPrefetchMultiplier: 0 },
      'workerPrefetchMultiplier: expected a whole number of at least 1, got 0',
    ],
    [{ taskAcksLate: 'yes' }, 'taskAcksLate: expected true or false, got "yes"'],
    [{ workerLease: 0.1 }, 'workerLease: expected a number of seconds, 1 or more, got 0.1'],
    [{ taskTimeLimit: 0 }, 'taskTimeLimit: expected a number of seconds, more than 0, got 0'],
    [{ taskDefaultPriority: 10 }, 'taskDefaultPriority: expected a whole number from 0 to 9, got 10'],
    [
      { brokerUrl: ['redis://a', 'redis://b'] },
      'brokerUrl: expected a text that is not empty, got something else',
    ],
    [{ brokerUrl: '' }, 'brokerUrl: expected a text that is not empty, got an empty one'],
    [{ timezone: 'Mars' }, 'timezone: expected a time zone such as "Europe/Berlin", got "Mars"'],
    [
      { acceptContent: ['pickle'] },
      'acceptContent: expected a list of "json" and "auth", the only forms that are read, got ["pickle"]',
    ],
    [
      { enableUtc: false },
      'enableUtc: expected true, got false; times on the wire carry their offset, so every peer agrees',
    ],
    [
      { workerPool: 'forks' },
      'workerPool: expected "prefork" (or "processes"), "threads", "fiber" (or "gevent", "eventlet") or "solo", got "forks"',
    ],
    [
      { brokerTransportOptions: { visibilty_timeout: 9 } },
      'brokerTransportOptions: unknown option "visibilty_timeout". Did you mean visibilityTimeout?',
    ],
    [
      { brokerTransportOptions: { min_other_sentinels: 1 } },
      'brokerTransportOptions.min_other_sentinels: the first sentinel that answers is believed; leave it out',
    ],
    [
      { resultBackendTransportOptions: { sentinel_kwargs: { ssl_ca_certs: 'ca.pem' } } },
      'resultBackendTransportOptions.sentinel_kwargs.ssl_ca_certs: certificates stand in the URL, for Redis and its ' +
        'sentinels: ?ssl_ca_certs=',
    ],
    [
      { taskPublishRetryPolicy: { max_retries: 'many' } },
      'taskPublishRetryPolicy.max_retries: expected a whole number from 0, or null (without limit), got "many"',
    ],
    [
      { task_publish_retry_policy: { retry_errors: [] } },
      'taskPublishRetryPolicy.retry_errors: a lost connection is what is tried again, and nothing else; leave it out',
    ],
    [
      { beat_schedule: ['a'] },
      'beatSchedule: expected { name: { task, schedule, args, kwargs, options } }, got ["a"]',
    ],
    [
      { beat_scheduler: 'proj.Scheduler' },
      'beatScheduler: expected "redis", "memory", "file" or null, got "proj.Scheduler"',
    ],
    [
      { beat_cron_starting_deadline: 60 },
      "beatCronStartingDeadline: a tick that was missed for too long is passed over with catchUp: 'skip' on its entry.",
    ],
    [{ brokerUseSsl: true }, 'brokerUseSsl: write rediss:// or rediss+sentinel:// in brokerUrl.'],
  ]
  it.each(wrong)('%j is refused with a sentence', (input, expected) => {
    expect(sentence(input)).toBe(expected)
  })

  it('of settings without effect on Redis are accepted', () => {
    expect(
      sentence({ broker_heartbeat: 10, broker_pool_limit: null, worker_hijack_root_logger: false }),
    ).toBe('accepted')
  })

  it('that are true anyway are accepted', () => {
    expect(
      sentence({ task_protocol: 2, task_always_eager: false, broker_connection_retry_on_startup: true }),
    ).toBe('accepted')
  })

  it('of null mean the default where nothing else is meant', () => {
    expect(read({ brokerUrl: null, taskQueues: null, taskRoutes: null, resultExpires: null })).toMatchObject({
      brokerUrl: undefined,
      taskRoutes: [],
      resultExpires: 0,
    })
  })

  it('inside transport options are read in all spellings', () => {
    const settings = read({ broker_transport_options: { visibility_timeout: 60, global_keyprefix: 'app:' } })
    expect(settings.brokerTransportOptions).toEqual({ visibilityTimeout: 60, globalKeyPrefix: 'app:' })
  })

  it('that tell which Redis is meant, and how sentinels let us in', () => {
    const options = { master_name: 'm', sentinel_kwargs: { username: 'u', password: 'p', ssl: true } }
    const expected = { masterName: 'm', sentinelKwargs: { username: 'u', password: 'p', ssl: true } }
    expect(read({ broker_transport_options: options }).brokerTransportOptions).toEqual(expected)
    expect(read({ result_backend_transport_options: options }).resultBackendTransportOptions).toEqual(
      expected,
    )
  })

  it('that stand for others are settled', () => {
    const settings = read({ workerDisablePrefetch: true, workerPrefetchMultiplier: 4 })
    expect(settings.workerPrefetchMultiplier).toBe(1)
  })
})

describe('the environment', () => {
  const env = {
    LOVAGE_BROKER_URL: 'redis://ours',
    CELERY_BROKER_URL: 'redis://celery',
    CELERY_RESULT_BACKEND: 'redis://r',
  }
  it('decides when nothing is given: ours first, then Celery’s', () => {
    expect(read({}, env)).toMatchObject({ brokerUrl: 'redis://ours', resultBackend: 'redis://r' })
    expect(read({}, { CELERY_BROKER_URL: 'redis://celery' }).brokerUrl).toBe('redis://celery')
    expect(read({}, { BROKER_URL: 'redis://unprefixed' }).brokerUrl).toBeUndefined()
  })

  it('does not override what is given', () => {
    expect(read({ broker: 'redis://given' }, env).brokerUrl).toBe('redis://given')
  })
})

describe('declaredQueues', () => {
  it('are those of taskQueues, and the default one', () => {
    const names = (input: SettingsInput) => [...declaredQueues(read(input)).keys()]
    expect(names({})).toEqual(['celery'])
    expect(names({ taskQueues: ['io'] })).toEqual(['io', 'celery'])
    expect(names({ taskQueues: ['io'], taskDefaultQueue: 'io' })).toEqual(['io'])
    expect(
      declaredQueues(read({ taskDefaultExchange: 'x', taskDefaultRoutingKey: 'k' })).get('celery'),
    ).toEqual({
      name: 'celery',
      exchange: 'x',
      exchangeType: 'direct',
      routingKey: 'k',
      shared: undefined,
    })
  })
})

describe('the tables', () => {
  it('have each setting once', () => {
    const names = [...Object.keys(table), ...Object.keys(refusals), ...Object.keys(withoutEffect)]
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('have defaults that their own decoders accept', () => {
    for (const [name, { default: fallback, decode }] of Object.entries(table))
      if (fallback !== undefined && name !== 'taskQueues')
        expect([name, decode(fallback as never, name)._tag]).toEqual([name, 'Right'])
  })

  it('accept nothing that nobody reads', () => {
    // Checked already; the calendar schedules that will reckon in it are to come.
    const waiting = ['timezone']
    const sources = readdirSync('src', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.name.endsWith('.ts') && !entry.name.startsWith('config-'))
      .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
      .join('\n')
    const unread = Object.entries(table)
      .filter(([name, row]) => !('fixed' in row) && !waiting.includes(name))
      .map(([name]) => name)
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(sources))
    expect(unread).toEqual([])
  })

  it('know every setting that Celery has for Redis', () => {
    const spelled =
      'task_acks_late worker_state_db redis_socket_keepalive result_backend_always_retry security_key'
    for (const name of spelled.split(' ')) expect(settingName(name)).toBeDefined()
  })
})
