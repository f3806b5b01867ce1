// A worker's settings as operators see them: under Python's names, secrets masked.
import type { Settings } from '../../config.js'
import { maskSecrets } from '../../mask.js'
import { isPlainObject } from '../json-plain.js'
import { repr } from '../repr.js'

const mask = '********'

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const shown = (value: unknown): unknown => {
  if (value == null || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map((item) => shown(item))
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, item]) => [String(name), shown(item)]))
  if (typeof value === 'object' && isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [snake(name), shown(item)]))
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
      .map(([name, value]) => [snake(name), shown(maskSecrets(snake(name), value ?? null, mask))]),
  )
