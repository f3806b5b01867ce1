// Who tests which captured case. Vectors are only worth something if each one is held against the code, so
// claimed.test.ts fails for every case that nobody claims.
//
// To claim cases: write `test/vectors/<yours>.claims.ts`,
//
//   import type { Claims } from './claims.js'
//   export const claims = { results: ['success', 'failure'] } as const satisfies Claims
//
// let your test run over that list (`it.each(claims.results)`; a table typed by its names makes the compiler
// check that each has a test, see types.test.ts), and delete these cases from claimed-later.ts.

/** Vector file (without `.json`) → names of its cases. */
export type Claims = Readonly<Record<string, readonly string[]>>
