// The rates that all workers keep together.
import type { Permit } from '../runtime/consumer.js'
import { takeStarts } from '../runtime/pace.js'
import type { Draft } from './draft.js'
import type { OperationOf } from './operations.js'

export const permit = (draft: Draft, { task, pace, wanted }: OperationOf<'permit'>): Permit => {
  const { nowMs } = draft
  const { granted, nextMs } = takeStarts(
    pace,
    draft.get('rates', task) ?? Number.NEGATIVE_INFINITY,
    wanted,
    nowMs,
  )
  draft.set('rates', task, nextMs)
  return { granted, nextInMs: Math.max(0, Math.ceil(nextMs - nowMs)) }
}
