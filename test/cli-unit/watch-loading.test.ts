// (That a process ends while it loads a file is seen in test/cli/load-app.test.ts.)
import { expect, it, vi } from 'vitest'
import { watchLoading } from '../../src/cli/watch-loading.js'

it('a file that takes long is named, once, and one that is loaded is not', async () => {
  vi.useFakeTimers()
  const lines: string[] = []
  const loaded = watchLoading('slow.ts', 5000, (line) => void lines.push(line))
  watchLoading('quick.ts', 5000, (line) => void lines.push(line))()
  vi.advanceTimersByTime(60_000)
  loaded()
  vi.useRealTimers()
  expect(lines).toEqual([
    'lovage: slow.ts has been loading for 5 s. What a module does at its top level must come to an end, and must not end the process.',
  ])
})
