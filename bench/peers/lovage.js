// Lovage with its defaults.
import { chain, chord, createApp, createLogger } from '../../dist/index.js'

export const open = async ({ port, database }) => {
  const app = createApp('bench', { broker: `redis://127.0.0.1:${port}/${database}` })
  let done = () => undefined
  const noop = app.task('bench.noop', async () => done())
  const count = app.task('bench.count', async (results) => results.length)
  const log = createLogger({ level: 'ERROR' })
  const times = (n, make) => Array.from({ length: n }, make)
  return {
    add: () => noop.delay(),
    addMany: (n) => Promise.all(times(n, () => noop.delay())),
    roundTrip: () => noop.delay().get(),
    chain: (steps) =>
      chain(times(steps, () => noop.si()))
        .delay()
        .get(),
    chord: (size) =>
      chord(
        times(size, () => noop.si()),
        count.s(),
      )
        .delay()
        .get(),
    /** Runs a worker until `stop`; `onDone` is called for each task. */
    work: async (concurrency, onDone) => {
      done = onDone
      const worker = app.worker({ concurrency, log })
      await worker.start()
      return () => worker.stop()
    },
    close: () => app.close(),
  }
}
