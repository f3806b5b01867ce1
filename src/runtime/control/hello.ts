// What workers tell each other when one starts (mingle): Celery's table of revoked ids, each with the
// monotonic second of its host. Python refuses a whole table over one number without a fraction.

/** Seconds since this machine started, never whole. */
export const monotonic = (): number => {
  const seconds = Number(process.hrtime.bigint()) / 1e9
  return Number.isInteger(seconds) ? seconds + 1e-6 : seconds
}

/** The ids of a neighbour's table; its clock means nothing here. */
export const readRevoked = (table: unknown): readonly string[] =>
  table !== null && typeof table === 'object' && !Array.isArray(table) ? Object.keys(table) : []
