// A pidfile is read by others while it is written: multi, init systems, a second worker.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { runningPid, takePidfile } from '../../src/cli/pidfile.js'
import { temporaryDirectory } from '../support/processes.js'

/** Reads the file as fast as it can, until it is told to stop; answers how often it was there and empty. */
const reader = `
const { readFileSync } = require('node:fs')
const { workerData, parentPort } = require('node:worker_threads')
const over = new Int32Array(workerData.over)
let empty = 0
parentPort.postMessage('reading')
while (Atomics.load(over, 0) === 0)
  try {
    if (readFileSync(workerData.path, 'utf8') === '') empty += 1
  } catch {}
parentPort.postMessage(empty)
`

it('is never there without its process id', async () => {
  const directory = temporaryDirectory('pid')
  const path = join(directory, 'w1.pid')
  const over = new SharedArrayBuffer(4)
  const reads = new Worker(reader, { eval: true, workerData: { path, over } })
  await once(reads, 'message')
  for (let round = 0; round < 500; round += 1) takePidfile(path, () => undefined)()
  const counted = once(reads, 'message')
  Atomics.store(new Int32Array(over), 0, 1)
  expect(await counted).toEqual([0])
  expect(readdirSync(directory)).toEqual([])
})

it('names a process while it lives', () => {
  const path = join(temporaryDirectory('pid'), 'w1.pid')
  expect(runningPid(path)).toBeUndefined()
  const drop = takePidfile(path, () => undefined)
  expect(runningPid(path)).toBe(process.pid)
  drop()
  expect(runningPid(path)).toBeUndefined()
})
