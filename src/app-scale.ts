// What says how large the pool of a worker should be.
import { defaultKeepalive, scale } from './pools/autoscale.js'
import type { WorkerOptions } from './runtime/worker/options.js'
import type { WorkerParts } from './runtime/worker/parts.js'

/** Undefined without autoscale. */
export const scaler = ({ autoscale }: WorkerOptions): WorkerParts['scale'] => {
  if (autoscale === undefined) return undefined
  const { max, min, keepalive = defaultKeepalive } = autoscale
  return {
    max,
    min,
    decide(load) {
      return scale({ max: this.max, min: this.min, keepalive }, load)
    },
  }
}
