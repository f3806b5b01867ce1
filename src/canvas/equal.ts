// Whether two signatures are equal: their data are. A loop, for a callback may stand in a callback a thousand deep.

type Data = Readonly<Record<string, unknown>>

export const isPlain = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && (Array.isArray(value) || 'kind' in value || isDict(value))

const isDict = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Equal data, or the very same; of what is no plain data (a Date, a Map), only the very same. */
export const isEqual = (one: unknown, other: unknown): boolean => {
  const todo: (readonly [unknown, unknown])[] = [[one, other]]
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    const [a, b] = pair
    if (Object.is(a, b)) continue
    if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false
    const names = Object.keys(a)
    if (names.length !== Object.keys(b).length) return false
    for (const name of names) {
      if (!Object.hasOwn(b, name)) return false
      todo.push([a[name], b[name]])
    }
  }
  return true
}
