// A child does not outlive its parent, not even in the middle of a loop that never ends: a thread looks. (A parent
// that ends orderly closes the channel, and its child hears that; one that was killed, too, if it listens.)
import { Worker } from 'node:worker_threads'

const lookEveryMs = 250

/** Nothing but this runs in the thread; it waits without an event loop. */
const watch = `
const { workerData: parent } = require('node:worker_threads')
const clock = new Int32Array(new SharedArrayBuffer(4))
while (process.ppid === parent) Atomics.wait(clock, 0, 0, ${lookEveryMs})
process.kill(process.pid, 'SIGKILL')
`

export const watchParent = (): void => {
  const thread = new Worker(watch, {
    eval: true,
    workerData: process.ppid,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  })
  thread.unref()
}
