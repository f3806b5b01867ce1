// Where there is no shell for a watcher (watcher.ts), a thread of the child looks whether its parent is there, also
// while the child is in the middle of a loop.
import { Worker } from 'node:worker_threads'

/** The argument by which a child is told to. */
export const watchItself = '--watch-parent'

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
