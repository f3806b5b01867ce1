// The JSON of the wire: arguments and results as text that a Python worker reads, and back. Plain data is
// plain JSON and costs a check and a JSON.stringify; dates and bytes are kombu's typed values; what JSON
// cannot hold is wrapped by superjson as a whole. The parts stand in json-*.ts, one each.
import { parseJson } from './json-parse.js'
import { isPlain } from './json-plain.js'
import { type Class, Preparation } from './json-prepare.js'
import { newBudget } from './json-places.js'
import { needsReviving, revive as reviveTree } from './json-revive.js'
import { RichValues } from './json-superjson.js'
import { compactStyle, pythonStyle, type Style, wireStyle, Written, writeTree } from './json-write.js'

export { Decimal, NaiveDateTime, PlainDate, PlainTime, Uuid } from './json-types.js'
export { parseJson } from './json-parse.js'

/** A reader and writer of values with its own registered classes. Members may be taken off and passed on. */
export class WireJson {
  readonly #rich = new RichValues()

  /**
   * Lets instances of a class travel: their own enumerable fields are sent, and put on an object of the same
   * prototype over there, without a call of the constructor. Both sides register it, under the same name.
   * Python sees the fields as a dict.
   */
  readonly registerClass = (ctor: Class, name: string = ctor.name): void => this.#rich.register(ctor, name)

  /**
   * Text of JSON, as Python or this library wrote it → value. Typed values become `Date` (aware datetime;
   * microseconds are dropped), `NaiveDateTime`, `PlainDate`, `PlainTime`, `Decimal`, `Uuid`, `Buffer`; integers
   * beyond 2^53 bigint; `NaN` and the infinities numbers; wrappers of superjson, at any depth, what was wrapped.
   * @throws DecodeError for anything that is not such a text, a `__type__` that kombu does not know, more than
   * 320 levels (or than it is told), or an integer of more than 4300 digits.
   */
  readonly decodeJson = (text: string, mostLevels?: number): unknown => {
    const tree = parseJson(text, mostLevels)
    return needsReviving(text) ? this.revive(tree) : tree
  }

  /** The second half of `decodeJson`, for a part of what `parseJson` gave. Changes `tree`, and returns its value. */
  readonly revive = (tree: unknown): unknown => {
    const budget = newBudget()
    return reviveTree(tree, (wrapper) => this.#rich.unpack(wrapper, budget))
  }

  /**
   * One argument or result → JSON text. `undefined` is null, and dropped as a property; a `toJSON` is used
   * wherever an object has one (except on dates, bytes, URLs and registered classes).
   * @param where names the value in errors: `argument 1 of proj.add`.
   * @throws EncodeError, with the path of the part that cannot travel.
   */
  readonly encodeValue = (value: unknown, where = 'The value'): string =>
    this.#encode(value, where, compactStyle)

  /** The same, byte for byte as Python's `json.dumps` would write it: for texts that are compared with Python's. */
  readonly encodePython = (value: unknown, where = 'The value'): string =>
    this.#encode(value, where, pythonStyle)

  /** The positional arguments of a call: each one on its own, so that one Map does not hide the others from Python. */
  readonly encodeArgs = (args: readonly unknown[], task: string): string => {
    if (isPlain(args)) return plainText(args, compactStyle)
    const texts = args.map(
      (arg, index) => new Written(this.encodeValue(arg, `argument ${index + 1} of ${task}`)),
    )
    return writeTree(texts, compactStyle)
  }

  /** The keyword arguments of a call, likewise. */
  readonly encodeKwargs = (kwargs: Readonly<Record<string, unknown>>, task: string): string => {
    if (isPlain(kwargs)) return plainText(kwargs, compactStyle)
    const fields = Object.entries(kwargs).filter(([, value]) => value !== undefined)
    const texts = fields.map(([key, value]) => [
      key,
      new Written(this.encodeValue(value, `argument ${key} of ${task}`)),
    ])
    return writeTree(Object.fromEntries(texts), compactStyle)
  }

  #encode(value: unknown, where: string, style: Style): string {
    if (isPlain(value)) return plainText(value, style)
    const preparation = new Preparation(where, this.#rich.names, style === pythonStyle)
    const tree = preparation.run(value)
    if (!preparation.isRich) return writeTree(tree, style)
    const wrapper = writeTree(this.#rich.pack(tree, preparation.isRepetitive), style)
    return `{"__superjson__"${style.colon}${wrapper}}`
  }
}

function plainText(value: unknown, style: Style): string {
  if (style !== compactStyle) return writeTree(value, style)
  const text = JSON.stringify(value) ?? 'null'
  const mayNeedMarks = text.includes('__type__') || text.includes('__superjson__')
  return mayNeedMarks ? writeTree(value, style) : text
}

/** What `parseJson` gave → text again, with the wire's own forms as they were: for what is only carried. */
export const writeWire = (tree: unknown): string => writeTree(tree, wireStyle)

/** What this process reads and writes with; classes registered here are known to all its apps. */
export const { decodeJson, revive, encodeValue, encodePython, encodeArgs, encodeKwargs, registerClass } =
  new WireJson()
