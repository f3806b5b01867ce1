// Periodic entries: a tick is fired once, whoever tries, in one transition with its messages; and the entries
// themselves, changed only by those who saw the last change.
import type { Firing } from '../runtime/firing.js'
import { openChord } from './chords.js'
import type { Draft } from './draft.js'
import { keepPages } from './graphs.js'
import type { OperationOf, ReplyTo } from './operations.js'
import { push } from './queues.js'
import { entryKey } from './keys.js'

const historyLines = 20

/** Nothing is written for a firing that is refused; the others go on. */
export const fire = (draft: Draft, { firings }: OperationOf<'fire'>): ReplyTo<'fire'> =>
  firings.map((firing) => {
    if (firing.tickMs !== null && firing.tickMs > draft.nowMs + 1) return 'early'
    if (!(firing.state === undefined ? mark(draft, firing) : advance(draft, firing, firing.state)))
      return 'refused'
    for (const chord of firing.publication.chords) openChord(draft, chord)
    keepPages(draft, firing.publication.pages)
    for (const each of firing.publication.pushes) push(draft, each)
    return 'fired'
  })

/** The entry lies here: its state goes on by one. */
const advance = (
  draft: Draft,
  { scope, entry }: Firing,
  { revision, text, line }: NonNullable<Firing['state']>,
): boolean => {
  const stored = draft.getIn('timetable', scope, entry)
  if (stored === undefined || stored.stateRevision !== revision) return false
  draft.setIn('timetable', scope, entry, {
    ...stored,
    state: text,
    stateRevision: revision + 1,
    lines: line === '' ? stored.lines : [line, ...stored.lines].slice(0, historyLines),
  })
  return true
}

/** The entry lies elsewhere: its last tick is remembered. */
const mark = (draft: Draft, { scope, entry, tickMs, by }: Firing): boolean => {
  const key = entryKey(scope, tickMs === null ? by : entry)
  const last = draft.get('fired', key)
  if (last !== undefined && (tickMs === null || last >= tickMs)) return false
  draft.set('fired', key, tickMs ?? 0)
  return true
}

export const lead = (draft: Draft, { scope, by, leaseMs }: OperationOf<'lead'>): boolean => {
  const leader = draft.get('leaders', scope)
  if (leader !== undefined && leader.by !== by && leader.untilMs > draft.nowMs) return false
  draft.set('leaders', scope, leaseMs === 0 ? undefined : { by, untilMs: draft.nowMs + leaseMs })
  return true
}

export const entries = (draft: Draft, { scope, names }: OperationOf<'entries'>): ReplyTo<'entries'> =>
  names === undefined
    ? draft.allIn('timetable', scope)
    : names.map((name) => [name, draft.getIn('timetable', scope, name)])

export const putEntry = (draft: Draft, operation: OperationOf<'putEntry'>): boolean => {
  const { scope, name, expect, definition, state } = operation
  const stored = draft.getIn('timetable', scope, name)
  const { revision = 0 } = stored ?? {}
  if (expect !== undefined && expect !== revision) return false
  draft.setIn('timetable', scope, name, {
    ...(stored ?? { state, stateRevision: 1, lines: [] }),
    definition,
    revision: revision + 1,
  })
  return true
}

export const removeEntry = (draft: Draft, { scope, name, expect }: OperationOf<'removeEntry'>): boolean => {
  const stored = draft.getIn('timetable', scope, name)
  if (stored === undefined || (expect !== undefined && expect !== stored.revision)) return false
  draft.setIn('timetable', scope, name, undefined)
  return true
}

export const history = (draft: Draft, { scope, name, most }: OperationOf<'history'>): readonly string[] =>
  draft.getIn('timetable', scope, name)?.lines.slice(0, most) ?? []
