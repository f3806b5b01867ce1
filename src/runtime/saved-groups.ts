// Groups by their id alone: `result.save()` keeps a group's shape under Celery's key, `app.groupResult` finds it.
import type { GroupResult } from '../canvas/sender.js'
import { DecodeError, InvalidUsage } from '../errors.js'
import { isDict } from './fields.js'
import { decodeJson, encodeValue } from './json.js'
import type { ResultTuple } from './meta.js'
import { type AnyResult, isGroup, type ResultSource, tupleOf } from './result-source.js'

/** Celery's text: `{"result": [["<id>", null], [[["<member>", null], null], …]]}`. */
export const saveGroup = async (group: AnyResult, source: ResultSource): Promise<void> => {
  const text = encodeValue({ result: tupleOf(group) }, `the shape of group ${group.id}`)
  await (await source.backend()).saveGroup(group.id, text, source.expires())
}

export const readShape = (id: string, text: string): ResultTuple => {
  const saved = decodeJson(text)
  const tuple = isDict(saved) ? saved['result'] : undefined
  if (!Array.isArray(tuple) || !Array.isArray(tuple[1]))
    throw new DecodeError(`Expected the shape of group ${id} in the result store, got ${text.slice(0, 80)}`)
  return tuple as unknown as ResultTuple
}

export class SavedGroups {
  readonly #source: ResultSource

  constructor(source: ResultSource) {
    this.#source = source
  }

  /** The group that was saved under this id, here or by a Python client; null when there is none. */
  async restore<T extends readonly unknown[] = unknown[]>(id: string): Promise<GroupResult<T> | null> {
    if (typeof id !== 'string' || id === '')
      throw new InvalidUsage(
        `app.groupResult.restore: expected the id of a group, got ${JSON.stringify(id)}.`,
      )
    const text = await (await this.#source.backend()).readGroup(id)
    if (text === null) return null
    const handle = this.#source.handle(readShape(id, text))
    if (!isGroup(handle)) throw new DecodeError(`Expected a group under ${id}, got one task`)
    return handle
  }
}
