// Several beats under faults, in a short form (`npm run faults -- beat-killed` and its kin are the full one).
import { expect, test } from 'vitest'
import { beatsTogether } from './cases/beats.js'
import { play } from './support/play.js'

test('three beats, in short: each tick runs once', { timeout: 180_000 }, async () => {
  const report = await play(beatsTogether, 'short', 1)
  expect(report.passed, `${beatsTogether.title}\n${report.toString()}`).toBe(true)
})
