// One setting: its default, its decoder, and what stands of it in the docs.
import { right } from './either.js'
import type { Decode } from './config-decode.js'

/** `A` is what the program reads, `Input` what a user may write. */
export interface Row<A, Input> {
  readonly default: A
  readonly decode: Decode<A>
  readonly doc: string
  /** There is one value: what Celery can switch and this library always does. */
  readonly fixed?: true
  readonly input?: Input
}

export const row = <A, Input = A>(decode: Decode<A>, fallback: NoInfer<A>, doc: string): Row<A, Input> => ({
  default: fallback,
  decode,
  doc,
})

/** Without a default: absent until given. */
export const open = <A>(decode: Decode<A>, doc: string): Row<A | undefined, A | null> => ({
  default: undefined,
  decode: (value, at) => (value === null ? right(undefined) : decode(value, at)),
  doc,
})

/** A row with one value; Celery users may write it, and are told why when they write another. */
export const fixed = <A, Input = A>(decode: Decode<A>, value: NoInfer<A>, doc: string): Row<A, Input> => ({
  default: value,
  decode,
  doc,
  fixed: true,
})
