// Decoders of settings: unknown value → Either<sentence, value>. The sentence is whole: it names the
// setting (with the path inside it), what was expected and what came, so that nobody has to add to it.
import { type Either, isLeft, left, right } from './either.js'

/** Reads one value; `at` is how the user would call the place: `taskQueues.celery.shared`. */
export type Decode<A> = (value: unknown, at: string) => Either<string, A>

/** A value as it is shown in an error: short, and on one line. */
export const show = (value: unknown): string => {
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' || value instanceof RegExp || value instanceof Map || value instanceof Date)
    return value instanceof Map ? 'a Map' : String(value)
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    text = undefined
  }
  if (text === undefined) return String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export const refuse = (at: string, expected: string, value: unknown): Either<string, never> =>
  left(`${at}: expected ${expected}, got ${show(value)}`)

const decoder =
  <A>(expected: string, accepts: (value: unknown) => value is A): Decode<A> =>
  (value, at) =>
    accepts(value) ? right(value) : refuse(at, expected, value)

export const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export const flag: Decode<boolean> = decoder('true or false', (value) => typeof value === 'boolean')

export const text: Decode<string> = decoder(
  'a text that is not empty',
  (value): value is string => typeof value === 'string' && value !== '',
)

/** A text that is not shown when it is wrong: it may be a password. */
export const hiddenText: Decode<string> = (value, at) =>
  typeof value === 'string' && value !== ''
    ? right(value)
    : left(
        `${at}: expected a text that is not empty, got ${value === '' ? 'an empty one' : 'something else'}`,
      )

export const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Decode<number> =>
  decoder(
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`,
    (value): value is number =>
      Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  )

/** Seconds, fractions allowed. `least: 'more'` is "more than 0". */
export const seconds = (least: number | 'more' = 0): Decode<number> =>
  decoder(
    least === 'more' ? 'a number of seconds, more than 0' : `a number of seconds, ${least} or more`,
    (value): value is number =>
      typeof value === 'number' && Number.isFinite(value) && (least === 'more' ? value > 0 : value >= least),
  )

export const oneOf = <const A extends string>(...words: readonly A[]): Decode<A> =>
  decoder(
    words.length === 1
      ? `"${words[0]}"`
      : `${words
          .slice(0, -1)
          .map((word) => `"${word}"`)
          .join(', ')} or "${words.at(-1)}"`,
    (value): value is A => (words as readonly unknown[]).includes(value),
  )

export const orNull =
  <A>(decode: Decode<A>): Decode<A | null> =>
  (value, at) =>
    value === null ? right(null) : decode(value, at)

/** A list, or Celery's comma-separated text. */
export const listOfTexts: Decode<readonly string[]> = (value, at) => {
  const items: unknown =
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : value
  if (!Array.isArray(items) || items.some((item) => typeof item !== 'string' || item === ''))
    return refuse(at, 'a list of texts', value)
  return right(Object.freeze([...items]) as readonly string[])
}

/** Something that Celery can switch and that has one way here; `why` says what to do instead. */
export const always =
  <const A>(only: A, why: string, alike: readonly unknown[] = []): Decode<A> =>
  (value, at) =>
    value === only || alike.includes(value)
      ? right(only)
      : left(`${at}: expected ${show(only)}, got ${show(value)}; ${why}`)

/**
 * An object of settings within a setting, in camelCase or snake_case. What is absent, null or undefined stays
 * absent; `refused` holds sentences for names that are known and not available.
 */
export const shape =
  <A extends object>(
    members: { readonly [K in keyof Required<A>]: Decode<NonNullable<A[K]>> },
    refused: Readonly<Record<string, string>> = {},
  ): Decode<Partial<A>> =>
  (value, at) => {
    if (!isRecord(value)) return refuse(at, `an object with any of ${Object.keys(members).join(', ')}`, value)
    const result: Record<string, unknown> = {}
    for (const [given, member] of Object.entries(value)) {
      const name = toCamel(given)
      if (Object.hasOwn(members, name)) {
        if (member === undefined || member === null) continue
        const decoded = (members as Record<string, Decode<unknown>>)[name]?.(member, `${at}.${given}`)
        if (decoded === undefined || isLeft(decoded)) return decoded ?? left(at)
        result[name] = decoded.right
      } else if (Object.hasOwn(refused, name)) return left(`${at}.${given}: ${refused[name]}`)
      else
        return left(
          `${at}: unknown option "${given}".` +
            (didYouMean(name, Object.keys(members)) || ` It has ${Object.keys(members).join(', ')}.`),
        )
    }
    return right(Object.freeze(result) as Partial<A>)
  }

// ---------------------------------------------------------------------------------------------------
// Names

/** `task_acks_late` → `taskAcksLate`. */
export const toCamel = (name: string): string =>
  name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** `taskAcksLate` → `task_acks_late`. */
export const toSnake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The known name that a mistyped one is nearest to, if it is near enough to be meant. */
const nearest = (name: string, known: Iterable<string>): string | undefined => {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's, one row at a time. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      )
    row = next
  }
  return row[b.length] ?? 0
}

/** ` Did you mean taskRoutes?`, or nothing. */
export const didYouMean = (name: string, known: Iterable<string>): string => {
  const meant = nearest(name, known)
  return meant === undefined ? '' : ` Did you mean ${meant}?`
}
