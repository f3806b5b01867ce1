// Lovage, as a peer of the benchmark: what each measure means is said in ../run.js.
import { createApp, createLogger } from '../../dist/index.js'

export const open = async ({ port }) => {
  const app = createApp('bench', { broker: `redis://127.0.0.1:${port}/0` })
  let done = () => undefined
  const noop = app.task('bench.noop', async () => done())
  const log = createLogger({ level: 'ERROR' })
  return {
    add: () => noop.delay(),
    roundTrip: () => noop.delay().get(),
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
