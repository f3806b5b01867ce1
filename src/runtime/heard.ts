// What is heard of a result. Its channel is only a hint, since anybody may say anything there: what does not look like
// this task's state, or would take long to read, is looked up where it is stored.
import type { Backend } from './backend.js'
import { hasTooManyParts } from './json-parts.js'
import { type Meta, readMeta } from './meta.js'

const about = (id: string, text: string): Meta | undefined => {
  if (hasTooManyParts(text)) return undefined
  try {
    const meta = readMeta(text)
    return meta.taskId === id ? meta : undefined
  } catch {
    return undefined
  }
}

/**
 * The state that a text tells of; a promise where it has to be looked up, of undefined where nothing is stored.
 * Rejects with DecodeError when what is stored cannot be read.
 */
export const readHeard = (
  backend: Pick<Backend, 'read'>,
  id: string,
  text: string,
): Meta | Promise<Meta | undefined> =>
  about(id, text) ?? backend.read([id]).then(([stored]) => (stored == null ? undefined : readMeta(stored)))
