// Either of fp-ts, as much of it as decoders need. Asked for by `require`, and of the small module in which the
// others find it: an import of `fp-ts/lib/Either.js` brings thirty more and Node's lexer of CommonJS, which is 6 MB of
// every child of a pool, and some time of every start.
import { createRequire } from 'node:module'
import type * as All from 'fp-ts/lib/Either.js'

export type { Either } from 'fp-ts/lib/Either.js'

type Few = Pick<typeof All, 'left' | 'right' | 'isLeft' | 'isRight'>

export const { left, right, isLeft, isRight }: Few = createRequire(import.meta.url)('fp-ts/lib/internal.js')
