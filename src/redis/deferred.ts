// What lies in a queue's eta set, read: `<word> <note>` and the message behind a line break (see promote.lua).
import type { Deferred } from '../runtime/broker.js'
import type { Reply } from './link.js'

/** The reply of ZRANGE … WITHSCORES, in pairs (RESP3) or in one row. */
export const deferredOf = (reply: Reply): readonly Deferred[] => {
  const flat = (reply as readonly Reply[]).flatMap((item) => (Array.isArray(item) ? item : [item]))
  return flat.flatMap((item, index) => {
    if (index % 2 === 1) return []
    const text = item as Buffer
    return [{ dueMs: Number(String(flat[index + 1])), raw: text.subarray(text.indexOf(10) + 1) }]
  })
}
