// A job in a child of the pool: read again from the message as it came, run, and its outcome packed.
import * as Either from '../../either.js'
import type { Json, LazySignal } from '../../pools/pool.js'
import type { CanvasLimits } from '../check-canvas.js'
import type { Fields } from '../events.js'
import { encodeValue } from '../json.js'
import { textDepthOf } from '../json-limits.js'
import { decodeMessage } from '../message.js'
import type { Registry } from '../registry.js'
import type { Guards } from '../security/guard.js'
import { packOutcome, type Parcel, type Question } from './crossing.js'
import { contextOf, type RunMeans, runTask } from './run-task.js'

export interface ParcelMeans extends RunMeans {
  readonly registry: Registry
  readonly limits: Pick<CanvasLimits, 'canvasMaxLevels'>
  readonly guards: Pick<Guards, 'checked'> | undefined
  /** Puts a question to the parent. */
  readonly ask: (question: Json) => Promise<Json>
}

/** Never rejects. */
export const runParcel = async (means: ParcelMeans, json: Json, abort: LazySignal): Promise<Json> => {
  const [raw, attempts, redelivered, ignoreResult] = json as unknown as Parcel
  const decoded = decodeMessage(
    Buffer.from(raw),
    means.guards?.checked,
    textDepthOf(means.limits.canvasMaxLevels),
  )
  // The parent has read it before it came here.
  if (Either.isLeft(decoded))
    return packOutcome({ kind: 'failure', error: decoded.left.error }, undefined, '')
  const message = decoded.right
  try {
    const run = {
      message,
      delivery: { attempts, redelivered },
      definition: means.registry.runnable(message.task),
      ignoreResult,
      abort,
      store: async (state: string, meta: unknown) => {
        const question: Question = ['store', state, encodeValue(meta, `the meta of state ${state}`)]
        return (await means.ask(question)) === true
      },
      event: async (type: string, fields: Fields) => {
        const question: Question = ['event', type, encodeValue(fields, `the event ${type}`), process.pid]
        await means.ask(question)
      },
    }
    const context = contextOf(means, run)
    return packOutcome(await runTask(means, run, context), context, message.task)
  } catch (error) {
    return packOutcome({ kind: 'failure', error }, undefined, message.task)
  }
}
