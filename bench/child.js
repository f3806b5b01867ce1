// One warm process of one peer, told over IPC what to do. A peer has two: one produces, one works.
import { performance } from 'node:perf_hooks'

const [peerName, port] = process.argv.slice(2)
const { open } = await import(`./peers/${peerName}.js`)
const peer = await open({ port: Number(port) })

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
    return (count / (performance.now() - startedAt)) * 1000
  },

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
    return ((count - from) / (endedAt - startedAt)) * 1000
  },

  /** A worker that stays, for `latency`. */
  serve: async ({ concurrency }) => {
    commands.unserve = await peer.work(concurrency, () => undefined)
  },
  unserve: async () => undefined,

  /** Submit → result, one at a time, everything idle → ms each, sorted. */
  latency: async ({ count }) => {
    const times = []
    for (let index = 0; index < count; index += 1) {
      const startedAt = performance.now()
      await peer.roundTrip()
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
