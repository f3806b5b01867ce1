// The lease thread's side of a standby, in a thread of its own: looks as often as it can, without any patience, and
// tells at the end what it gave back.
import { parentPort, workerData } from 'node:worker_threads'
import { createJiti } from 'jiti'

const { StandbyWatch } = await createJiti(import.meta.url).import('../../src/redis/standby.ts')
const watch = new StandbyWatch(workerData.buffer, 0)
const end = new Int32Array(workerData.end)
const ranges = []
parentPort.postMessage('ready')
while (Atomics.load(end, 0) === 0) {
  const range = watch.look(performance.now())
  if (range === undefined) continue
  ranges.push([range.from, range.upTo])
  Atomics.add(end, 1, 1)
}
parentPort.postMessage(ranges)
