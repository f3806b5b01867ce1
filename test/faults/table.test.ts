// The fault campaign in a short form, so that each promise is tried each time. `npm run faults` plays it in full.
import { expect, test } from 'vitest'
import { table } from './cases/index.js'
import { play } from './support/play.js'

test.each(table.filter(({ name }) => name !== 'P3-default'))(
  '$name, in short',
  { timeout: 120_000 },
  async (fault) => {
    const report = await play(fault, 'short', 1)
    expect(report.passed, `${fault.title}\n${report.toString()}`).toBe(true)
  },
)
