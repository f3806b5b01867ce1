// A setup file of every suite: what a test file started ends with it, and nobody has printed a secret.
import { afterAll, afterEach, beforeAll } from 'vitest'
import { refuseShown, watch } from './planted.js'
import { stopAll } from './processes.js'

let ends: readonly (() => void)[] = []
beforeAll(() => {
  ends = [watch(process.stdout, 'The test itself'), watch(process.stderr, 'The test itself')]
})
afterEach(refuseShown)
afterAll(async () => {
  await stopAll()
  for (const end of ends) end()
  refuseShown()
})
