// What nobody holds any more is gone at once.
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { collectGarbage } from '../src/garbage.js'

const forgotten = (): WeakRef<object> => new WeakRef({ entries: Array.from({ length: 10 }, String) })

it('frees what nobody holds, and leaves no gc behind', async () => {
  const one = forgotten()
  await turn()
  expect(one.deref()).toBeDefined()
  await turn()
  collectGarbage()
  expect(one.deref()).toBeUndefined()
  expect((globalThis as { gc?: unknown }).gc).toBeUndefined()
})
