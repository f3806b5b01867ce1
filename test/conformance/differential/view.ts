// What the two sides are compared by.

/** What there is → what it says. Two sides agree when their views do. */
export type View = Record<string, unknown>

export interface Moments {
  /** By the test's clock, which began at `startMs` and has jumped since. */
  readonly nowMs: number
  readonly sinceStartMs: number
  /** Since the test's clock began, ms. */
  exactly(ms: number): number
  /** The same in units, for moments that the server's clock has made; null is "never". */
  about(ms: number | null): number | null
}

/** All durations of the test are multiples of it, and a sequence takes a small part of it. */
export const unitMs = 100_000

/** How long a revocation is remembered. */
export const revokeUnits = 50.5

/** `offsetMs`: what has to be added to a moment of this side, because its clock did not jump. */
export const moments = (startMs: number, nowMs: number, offsetMs = 0): Moments => ({
  nowMs,
  sinceStartMs: nowMs - startMs,
  exactly: (ms) => ms + offsetMs - startMs,
  about: (ms) => (ms === null ? null : Math.round((ms + offsetMs - startMs) / unitMs)),
})

/** Keys in one order, bytes as text. */
export const written = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => {
    if (isBytes(each)) return Buffer.from(each.data).toString('latin1')
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
  })

const isBytes = (value: unknown): value is { readonly data: number[] } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
