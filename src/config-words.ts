// Words that stand in settings: forms of messages, pools, schedulers, zones, secrets.
import { left, right } from './either.js'
import { type Decode, refuse } from './config-decode.js'

export const json: Decode<'json'> = (value, at) =>
  value === 'json' || value === 'application/json'
    ? right('json')
    : refuse(at, '"json" (rich values travel inside it)', value)

export const onlyJson: Decode<readonly 'json'[]> = (value, at) =>
  Array.isArray(value) && value.length > 0 && value.every((item) => json(item, at)._tag === 'Right')
    ? right(['json'])
    : refuse(at, '["json"], the only form that is read', value)

export const serializer: Decode<'json' | 'auth'> = (value, at) =>
  value === 'auth' || value === 'application/data' ? right('auth') : json(value, at)

export const accepted: Decode<readonly ('json' | 'auth')[]> = (value, at) =>
  Array.isArray(value) && value.length > 0 && value.every((item) => serializer(item, at)._tag === 'Right')
    ? right(value.map((item) => (item === 'auth' || item === 'application/data' ? 'auth' : 'json')))
    : refuse(at, 'a list of "json" and "auth", the only forms that are read', value)

/** The first signs, all of them are accepted. */
export const hmacKeys: Decode<readonly string[]> = (value, at) => {
  const keys = typeof value === 'string' ? [value] : value
  return Array.isArray(keys) && keys.every((key) => typeof key === 'string' && key.length >= 32)
    ? right(Object.freeze([...keys]))
    : left(`${at}: expected a secret of at least 32 characters, or a list of such, got something else`)
}

export const zone: Decode<string> = (value, at) => {
  try {
    return right(new Intl.DateTimeFormat('en', { timeZone: value as string }).resolvedOptions().timeZone)
  } catch {
    return refuse(at, 'a time zone such as "Europe/Berlin"', value)
  }
}

export const zlib: Decode<'zlib'> = (value, at) =>
  value === 'zlib' || value === 'gzip'
    ? right('zlib')
    : refuse(at, '"zlib" (or "gzip", the same) or null', value)

export type PoolSetting = 'prefork' | 'threads' | 'fiber' | 'solo'

/** Every pool, by all its names. */
export const poolNames: Readonly<Record<string, PoolSetting>> = {
  prefork: 'prefork',
  processes: 'prefork',
  threads: 'threads',
  fiber: 'fiber',
  gevent: 'fiber',
  eventlet: 'fiber',
  solo: 'solo',
}

export const pool: Decode<PoolSetting> = (value, at) => {
  const name = typeof value === 'string' && Object.hasOwn(poolNames, value) ? poolNames[value] : undefined
  return name === undefined
    ? refuse(at, '"prefork" (or "processes"), "threads", "fiber" (or "gevent", "eventlet") or "solo"', value)
    : right(name)
}

/** Celery's names of its own schedulers say the same as ours. */
export const scheduler: Decode<'redis' | 'memory' | 'file' | null> = (value, at) => {
  if (value === null || value === 'redis' || value === 'memory' || value === 'file') return right(value)
  if (typeof value === 'string' && /redbeat/i.test(value)) return right('redis')
  if (value === 'celery.beat:PersistentScheduler' || value === 'celery.beat.PersistentScheduler')
    return right('file')
  return refuse(at, '"redis", "memory", "file" or null', value)
}
