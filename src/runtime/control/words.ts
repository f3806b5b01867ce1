// Small forms of Python's that are read and written in remote control.

/** A list of texts that may have come as a single one: `['a']` for `'a'`, `['a', 'b']`, nothing for anything else. */
export const words = (value: unknown): readonly string[] =>
  typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.filter((item): item is string => typeof item === 'string')
      : []

/** `{'a', 'b'}`, as Python prints a set: scripts parse it. */
export const setText = (items: readonly string[]): string =>
  items.length === 0 ? 'set()' : `{${items.map((item) => `'${item}'`).join(', ')}}`

/** A text as Python prints it: in double quotes where it has single ones. */
export const textRepr = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  return `${quote}${text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)}${quote}`
}
