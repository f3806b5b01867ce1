// The engine: (state, operation) → changes and reply, for every transition that a message's life has. Pure: it
// is the `memory://` broker, the oracle that Redis is compared with, and what an explorer walks.
//
//                 publish, defer           promote
//   nobody ──────────────────────▶ deferred ──────▶ queue ──step──▶ held ──step──▶ gone, with all that follows
//                                                     ▲              │
//                                                     └──── redo ◀───┘ reap, unregister, back
import type { StoredText } from '../runtime/publication.js'
import { entries, fire, history, lead, putEntry, removeEntry } from './beat.js'
import { deadLetter, deadLetters, purgeDead, revive } from './dead.js'
import { Draft } from './draft.js'
import { recall } from './graphs.js'
import { admit } from './gates.js'
import { note, release } from './held.js'
import { reap, register, renew, unregister } from './leases.js'
import type { Kind, OperationOf, ReplyTo } from './operations.js'
import { deferred, parked, promote, publish } from './queues.js'
import { permit } from './rates.js'
import { forget, read, readGroup, saveGroup, store } from './results.js'
import { revoke, revoked } from './revoked.js'
import type { Change, State } from './state.js'
import { step } from './step.js'
import { length, purge, setAside } from './waiting.js'

export interface Transition<K extends Kind> {
  /** To be applied (`apply`), in place or to a copy. */
  readonly changes: readonly Change[]
  readonly reply: ReplyTo<K>
  /** Results that were written, in order: whoever watches them hears of each. */
  readonly announced: readonly StoredText[]
  /** What was said to all who listen at an exchange. */
  readonly broadcast: Draft['broadcast']
}

type Table = { readonly [K in Kind]: (draft: Draft, operation: OperationOf<K>) => ReplyTo<K> }

const transitions: Table = {
  register,
  renew,
  unregister,
  reap,
  publish,
  step,
  note,
  recall,
  admit,
  release,
  store,
  promote,
  parked,
  permit,
  deferred,
  revoke,
  revoked,
  purge,
  setAside,
  length,
  read,
  forget,
  saveGroup,
  readGroup,
  deadLetter,
  deadLetters,
  revive,
  purgeDead,
  fire,
  lead,
  entries,
  putEntry,
  removeEntry,
  history,
}

export const transition = <K extends Kind>(state: State, operation: OperationOf<K>): Transition<K> => {
  const draft = new Draft(state, operation.nowMs)
  const decide = transitions[operation.kind as K] as Table[K]
  const reply = decide(draft, operation)
  return { changes: draft.changes(), reply, announced: draft.announced, broadcast: draft.broadcast }
}
