// Places in a JSON text, for those who change one member and must leave every other byte as it is: big integers,
// the order of keys and a Python peer's spacing all survive. What is no JSON is read as far as it goes, and nothing throws:
// who asks has its message in hand.

/** One value, and the text that stands for it: `text.slice(from, to)`. */
export interface Place {
  readonly from: number
  readonly to: number
}

export interface Member extends Place {
  readonly key: string
}

const space = /\s*/y
const scalar = /[^,\]}\s]*/y
const nextBracket = /["[\]{}]/g

const match = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  pattern.test(text)
  return Math.max(at, pattern.lastIndex)
}

/** Behind the string that begins at `at`. (A pattern keeps a note of each letter: ten million are too many for it.) */
export const skipString = (text: string, at: number): number => {
  for (let quote = text.indexOf('"', at + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0
    while (text[quote - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return quote + 1
  }
  return text.length
}

const skipSpace = (text: string, at: number): number => match(space, text, at)

/** Behind the value that begins at `at`. */
const skipValue = (text: string, at: number): number => {
  const first = text[at]
  if (first === '"') return skipString(text, at)
  if (first !== '{' && first !== '[') return match(scalar, text, at)
  let depth = 0
  let from = at
  for (;;) {
    nextBracket.lastIndex = from
    const found = nextBracket.exec(text)
    if (found === null) return text.length
    if (found[0] === '"') from = skipString(text, found.index)
    else {
      depth += found[0] === '{' || found[0] === '[' ? 1 : -1
      from = found.index + 1
      if (depth === 0) return from
    }
  }
}

/** The values of the array at `at`; none where there is no array. */
export const elementsOf = (text: string, at: number): readonly Place[] => {
  const places: Place[] = []
  if (text[skipSpace(text, at)] !== '[') return places
  let from = skipSpace(text, skipSpace(text, at) + 1)
  while (from < text.length && text[from] !== ']') {
    const to = skipValue(text, from)
    places.push({ from, to })
    from = skipSpace(text, to)
    if (text[from] === ',') from = skipSpace(text, from + 1)
  }
  return places
}

/** The members of the object at `at`; none where there is no object. */
export const membersOf = (text: string, at: number): readonly Member[] => {
  const members: Member[] = []
  if (text[skipSpace(text, at)] !== '{') return members
  let keyFrom = skipSpace(text, skipSpace(text, at) + 1)
  while (text[keyFrom] === '"') {
    const keyTo = skipString(text, keyFrom)
    const from = skipSpace(text, skipSpace(text, keyTo) + 1)
    const to = skipValue(text, from)
    members.push({ key: String(read(text.slice(keyFrom, keyTo))), from, to })
    keyFrom = skipSpace(text, to)
    if (text[keyFrom] === ',') keyFrom = skipSpace(text, keyFrom + 1)
  }
  return members
}

/** Of two equal keys the last counts, as for every reader. */
const memberOf = (text: string, at: number, key: string): Member | undefined =>
  new Map(membersOf(text, at).map((member) => [member.key, member])).get(key)

/** Where the value at the end of `path` stands. */
export const placeOf = (text: string, path: readonly string[]): Place | undefined => {
  let place: Place | undefined = { from: skipSpace(text, 0), to: text.length }
  for (const key of path) {
    if (place === undefined) return undefined
    place = memberOf(text, place.from, key)
  }
  return place
}

const read = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** The value at the end of `path`; undefined where there is none, or what stands there is no JSON. */
export const valueAt = (text: string, path: readonly string[]): unknown => {
  const place = placeOf(text, path)
  return place === undefined ? undefined : read(text.slice(place.from, place.to))
}

/** The same text with one member set (`json` is its value, written). Unchanged where `path` leads to no object. */
export const withMember = (text: string, path: readonly string[], key: string, json: string): string => {
  const object = placeOf(text, path)
  if (object === undefined || text[object.from] !== '{') return text
  const member = memberOf(text, object.from, key)
  if (member !== undefined) return text.slice(0, member.from) + json + text.slice(member.to)
  const at = object.from + 1
  const comma = membersOf(text, object.from).length === 0 ? '' : ', '
  const added = `${JSON.stringify(key)}: ${json}${comma}`
  return text.slice(0, at) + added + text.slice(at)
}
