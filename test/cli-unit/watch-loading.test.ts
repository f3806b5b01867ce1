// (That a process ends while it loads a file is seen in test/cli/load-app.test.ts.)
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { watchLoading } from '../../src/cli/watch-loading.js'
import { temporaryDirectory } from '../support/processes.js'

it('a file that loops while it is loaded is named, and one that is loaded is not', async () => {
  const path = join(temporaryDirectory(), 'said')
  const fd = openSync(path, 'a')
  const said = (): string => readFileSync(path, 'utf8')
  // Its clock ends with it, whatever time it has.
  await watchLoading('quick.ts', { fd })()
  const loaded = watchLoading('slow.ts', { slowMs: 20, fd })
  // No timer of this thread has its turn meanwhile.
  for (const end = Date.now() + 25_000; said() === '' && Date.now() < end; );
  await loaded()
  closeSync(fd)
  expect(said()).toBe(
    'lovage: slow.ts has been loading for 0.02 s. What a module does at its top level must come to an end, and must not end the process.\n',
  )
})
