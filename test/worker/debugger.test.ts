// USR2: Node's debugger where CELERY_RDBSIG asks for it, else a sentence.
import inspector from 'node:inspector'
import { afterEach, expect, it } from 'vitest'
import { createLogger } from '../../src/log.js'
import { openDebugger } from '../../src/runtime/worker/debugger.js'

const lines: string[] = []
const log = createLogger({ level: 'WARNING', write: (line) => void lines.push(line) })
const said = async (env: Readonly<Record<string, string>>): Promise<string> => {
  lines.length = 0
  await openDebugger(log, env)
  return lines.join('\n').replace(/^\[.*?\] /, '')
}

afterEach(() => {
  // Only what was opened here: whoever debugs these tests goes on.
  if (opened) inspector.close()
  opened = false
})
let opened = false

it('says that it does nothing, and what would', async () => {
  expect(await said({})).toBe(
    'SIGUSR2 does nothing here: with CELERY_RDBSIG=1 in its environment a worker opens the debugger of Node at it. SIGUSR1 tells what runs.',
  )
})

it('says nothing where user code listens to the signal', async () => {
  const listeners = [() => undefined, () => undefined]
  for (const listener of listeners) process.on('SIGUSR2', listener)
  expect(await said({})).toBe('')
  for (const listener of listeners) process.off('SIGUSR2', listener)
})

it.runIf(inspector.url() === undefined)('opens the debugger once, and says where it listens', async () => {
  opened = true
  const first = await said({ CELERY_RDBSIG: '1' })
  expect(first).toMatch(/^The debugger listens: ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+$/)
  expect(await said({ CELERY_RDBSIG: '1' })).toBe(first)
})

it('a port that is none is answered', async () => {
  expect(await said({ CELERY_RDBSIG: '1', CELERY_RDB_PORT: 'x' })).toBe(
    'CELERY_RDB_PORT: expected a port such as 9229, got "x".',
  )
})
