// Looks at the load now and then, and lets the worker grow or shrink. What size is right, `decide` knows (the
// pools' room, by way of the app).
import { catchError, EMPTY, exhaustMap, from, interval } from 'rxjs'
import type { Logger } from '../../log.js'
import type { Load } from '../../pools/pool.js'

/** The bounds of an autoscale, which may be moved while it works, and what it thinks of a load. */
export interface Scaler {
  max: number
  min: number
  decide(load: Load): number
}

export interface AutoscalerOptions {
  readonly decide: (load: Load) => number
  readonly look: () => { readonly concurrency: number; readonly held: number; readonly isFull: boolean }
  /** Messages in the queues. */
  readonly waiting: () => Promise<number>
  readonly resize: (concurrency: number) => void
  readonly log: Logger
}

const lookEveryMs = 500

/** Returns what ends it. */
export const startAutoscaler = ({ decide, look, waiting, resize, log }: AutoscalerOptions): (() => void) => {
  let grownAt = performance.now()
  const step = async (): Promise<void> => {
    const { concurrency, held, isFull } = look()
    // Who has a free slot takes what waits: there is nothing to count.
    const count = isFull ? await waiting() : 0
    const quietSeconds = (performance.now() - grownAt) / 1000
    const size = decide({ concurrency, held, waiting: count, quietSeconds })
    if (size === concurrency) return
    if (size > concurrency) grownAt = performance.now()
    const words = size > concurrency ? ['up', size - concurrency] : ['down', concurrency - size]
    log.info(`Scaling ${words[0]} ${words[1]} ${words[1] === 1 ? 'slot' : 'slots'}, to ${size}.`)
    resize(size)
  }
  // Without the broker nothing is known, and nothing is to be done.
  const tryStep = () =>
    from(step()).pipe(
      catchError((error: unknown) => {
        log.debug(`autoscale: ${String(error)}`)
        return EMPTY
      }),
    )
  // A look that takes long is not followed by those that it has missed.
  const looks = interval(lookEveryMs).pipe(exhaustMap(tryStep)).subscribe()
  return () => looks.unsubscribe()
}
