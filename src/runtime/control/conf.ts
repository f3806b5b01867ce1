// A worker's settings as operators see them: under Python's names, secrets masked.
import type { Settings } from '../../config.js'
import { isPlainObject } from '../json-plain.js'
import { repr } from '../repr.js'

const secret = /API|TOKEN|KEY|SECRET|PASS|PROFANITIES_LIST|SIGNATURE|DATABASE|BEAT_DBURI/i
const mask = '********'

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Only the password in a URL, up to the last `@`: one may stand in it. */
const maskedUrl = (text: string): string => text.replace(/(:\/\/[^:@/]*):.*@/, `$1:${mask}@`)

const shown = (key: string, value: unknown): unknown => {
  if (/broker_url|backend/i.test(key) && typeof value === 'string') return maskedUrl(value)
  if (value == null || typeof value === 'boolean' || typeof value === 'number') return value
  if (secret.test(key)) return mask
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map((item) => shown('', item))
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, item]) => [String(name), shown(String(name), item)]))
  if (typeof value === 'object' && isPlainObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [snake(name), shown(snake(name), item)]),
    )
  return repr(value)
}

/** `changed`: only these, by our names; without it, all. */
export const describeSettings = (
  settings: Settings,
  changed?: ReadonlySet<string>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([name]) => changed?.has(name) ?? true)
      .map(([name, value]) => [snake(name), shown(snake(name), value ?? null)]),
  )
