// Results: written with completions and while tasks run, read and forgotten by anybody.
import type { StoredText } from '../runtime/publication.js'
import type { Draft } from './draft.js'
import { live, watchExpiry } from './expiry.js'
import type { OperationOf } from './operations.js'

/** A plain SUCCESS, or the end of somebody else's run: it stands for good. */
export const isSettled = (draft: Draft, taskId: string): boolean =>
  live(draft, 'results', taskId)?.state === 'SUCCESS'

/** Everything but a SUCCESS may be replaced; fences tell who may write. */
export const write = (draft: Draft, result: StoredText): void => {
  if (isSettled(draft, result.taskId)) return
  const expiresMs = result.expires === 0 ? null : draft.nowMs + 1000 * result.expires
  watchExpiry(draft, { table: 'results', key: result.taskId }, expiresMs)
  draft.set('results', result.taskId, { state: result.state, text: result.text, expiresMs })
  draft.announced.push(result)
}

export const store = (draft: Draft, { consumer, tag, result }: OperationOf<'store'>): boolean => {
  if (draft.getIn('held', consumer, tag) === undefined) return false
  write(draft, result)
  return true
}

export const read = (draft: Draft, { taskIds }: OperationOf<'read'>): readonly (string | null)[] =>
  taskIds.map((taskId) => live(draft, 'results', taskId)?.text ?? null)

export const forget = (draft: Draft, { taskIds, groupIds }: OperationOf<'forget'>): null => {
  for (const taskId of taskIds) if (draft.get('results', taskId)) draft.set('results', taskId, undefined)
  for (const groupId of groupIds) if (draft.get('groups', groupId)) draft.set('groups', groupId, undefined)
  return null
}

export const saveGroup = (draft: Draft, { groupId, text, expires }: OperationOf<'saveGroup'>): null => {
  const expiresMs = expires === 0 ? null : draft.nowMs + 1000 * expires
  watchExpiry(draft, { table: 'groups', key: groupId }, expiresMs)
  draft.set('groups', groupId, { text, expiresMs })
  return null
}

export const readGroup = (draft: Draft, { groupId }: OperationOf<'readGroup'>): string | null =>
  live(draft, 'groups', groupId)?.text ?? null
