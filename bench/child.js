// One warm process of one peer, told over IPC what to do. A peer has two: one produces, one works.
import { performance } from 'node:perf_hooks'

const [peerName, port, database] = process.argv.slice(2)
const { open } = await import(`./peers/${peerName}.js`)
const peer = await open({ port: Number(port), database: Number(database) })

const rate = (count, startedAt, endedAt = performance.now()) => (count / (endedAt - startedAt)) * 1000

const commands = {
  /** Single calls, so many awaits in flight → calls a second. */
  enqueue: async ({ count, inFlight }) => {
    let left = count
    const lane = async () => {
      while (left > 0) {
        left -= 1
        await peer.add()
      }
    }
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: inFlight }, lane))
    return rate(count, startedAt)
  },

  /** One bulk after the other → messages a second. */
  enqueueMany: async ({ count, size }) => {
    const startedAt = performance.now()
    for (let left = count; left > 0; left -= size) await peer.addMany(Math.min(left, size))
    return rate(count, startedAt)
  },

  /** For a drain: however it goes quickest. */
  fill: ({ count }) => commands.enqueueMany({ count, size: 500 }),

  /** Drains `count` waiting messages → tasks a second, from 10 % done to the last. */
  drain: async ({ count, concurrency }) => {
    const from = Math.floor(count / 10)
    let done = 0
    let startedAt = 0
    let finish
    const finished = new Promise((resolve) => {
      finish = resolve
    })
    const stop = await peer.work(concurrency, () => {
      done += 1
      if (done === from) startedAt = performance.now()
      if (done === count) finish(performance.now())
    })
    const endedAt = await finished
    await stop()
    return rate(count - from, startedAt, endedAt)
  },

  /** A worker that stays, for `time`. */
  serve: async ({ concurrency }) => {
    commands.unserve = await peer.work(concurrency, () => undefined)
  },
  unserve: async () => undefined,

  /** From sending to the result, one at a time → ms each, sorted. */
  time: async ({ what, size, count }) => {
    const times = []
    for (let index = 0; index < count; index += 1) {
      const startedAt = performance.now()
      await peer[what](size)
      times.push(performance.now() - startedAt)
    }
    return times.sort((a, b) => a - b)
  },

  close: async () => {
    await peer.close()
    setImmediate(() => process.disconnect())
  },
}

process.on('message', async ({ id, command, options }) => {
  try {
    process.send({ id, result: await commands[command](options ?? {}) })
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) })
  }
})
process.send({ ready: true })
