// Reads the captured vectors. README.md says what their fields mean.
import { readFileSync } from 'node:fs'

export interface VectorKey {
  readonly key: string
  readonly type: string
  readonly ttl: number
  /** As Redis had it: a string, a list (newest first), a hash, … */
  readonly value: unknown
  /** The same, decoded for reading; see README.md for `$bigint` and `$number`. */
  readonly decoded?: unknown
}

export interface VectorCase {
  readonly name: string
  readonly python?: string
  readonly note?: string
  readonly redis?: readonly VectorKey[]
  readonly commands?: readonly string[]
  readonly published?: readonly { readonly channel: string; readonly message: string }[]
  readonly [field: string]: unknown
}

/** A kombu envelope, as far as readers of vectors look into it. */
export interface VectorMessage {
  readonly body: string
  readonly headers: {
    readonly argsrepr: string
    readonly kwargsrepr: string
    readonly [name: string]: unknown
  }
  readonly properties: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** A field of a vector file that stands beside its cases. */
export function fieldOf(file: string, name: string): unknown {
  const text = readFileSync(new URL(`${file}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as Record<string, unknown>)[name]
}

/** All cases of `test/vectors/<file>.json`. */
export function casesOf(file: string): readonly VectorCase[] {
  const text = readFileSync(new URL(`${file}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { cases: VectorCase[] }).cases
}

export function caseOf(file: string, name: string): VectorCase {
  const found = casesOf(file).find((item) => item.name === name)
  if (found === undefined) throw new Error(`test/vectors/${file}.json has no case "${name}".`)
  return found
}

/** The messages that lie in the case's lists, parsed; oldest first. */
export function messagesOf(item: VectorCase): readonly VectorMessage[] {
  const lists = (item.redis ?? []).filter(({ type }) => type === 'list')
  return lists.flatMap(({ value }) =>
    [...(value as string[])].reverse().map((raw) => JSON.parse(raw) as VectorMessage),
  )
}

/** The text of a message's body, if it is not compressed. */
export const bodyOf = (message: VectorMessage): string => Buffer.from(message.body, 'base64').toString('utf8')
