// Canvases, retries and early acknowledgement under faults, in a short form (`npm run faults` is the full one).
import { expect, test } from 'vitest'
import { more } from './cases/index.js'
import { play } from './support/play.js'

test.each(more)('$name, in short', { timeout: 120_000 }, async (fault) => {
  const report = await play(fault, 'short', 1)
  expect(report.passed, `${fault.title}\n${report.toString()}`).toBe(true)
})
