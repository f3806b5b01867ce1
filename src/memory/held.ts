// What a worker tells about a message that it holds: that its run starts, or that it is acknowledged early.
import type { Note } from '../runtime/consumer.js'
import { hasReported, unpublished } from './chords.js'
import type { Draft } from './draft.js'
import { live } from './expiry.js'
import type { OperationOf } from './operations.js'

/**
 * An uncertain delivery is about to be run. Has it ended before? Then whoever gets it next must ask again,
 * until the chord bodies that it owes are out.
 */
export const note = (draft: Draft, { consumer, tag, fence, parts }: OperationOf<'note'>): Note => {
  const held = draft.getIn('held', consumer, tag)
  if (held === undefined) return { kind: 'lost' }
  if (held.noted) return { kind: 'run' }
  const reported = parts.filter((part) => hasReported(draft, part))
  const done = held.joining || reported.length > 0 || live(draft, 'markers', fence) !== undefined
  draft.setIn('held', consumer, tag, { ...held, noted: !done, joining: done })
  return done ? { kind: 'done', joins: unpublished(draft, reported) } : { kind: 'run' }
}

/** It stays recorded: if its worker dies now, somebody has to say that it is lost. */
export const release = (draft: Draft, { consumer, tag }: OperationOf<'release'>): boolean => {
  const held = draft.getIn('held', consumer, tag)
  if (held === undefined) return false
  if (!held.released) draft.setIn('held', consumer, tag, { ...held, released: true })
  return true
}
