// Chance with a seed, so that a run can be played again.

export interface Random {
  /** At least `from`, below `to`. */
  between(from: number, to: number): number
  /** Whole: `from` … `to`. */
  whole(from: number, to: number): number
  pick<T>(values: readonly T[]): T
}

/** mulberry32 */
export const seeded = (seed: number): Random => {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (from: number, to: number): number => from + next() * (to - from)
  const whole = (from: number, to: number): number => Math.floor(between(from, to + 1))
  return { between, whole, pick: (values) => values[whole(0, values.length - 1)] as never }
}
