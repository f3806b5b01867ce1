// How runs of periodic entries end: all tasks whose end is waited for, and whether it came.
import type { SentRun } from './beat/parts.js'
import type { Backend } from './runtime/backend.js'
import { isReady, type Meta, readMeta, type ResultTuple } from './runtime/meta.js'

export const readMetas = async (
  backend: Backend,
  ids: readonly string[],
): Promise<readonly (Meta | undefined)[]> => {
  if (ids.length === 0) return []
  const texts = await backend.read(ids)
  return texts.map((text) => {
    try {
      return text === null ? undefined : readMeta(text)
    } catch {
      return undefined
    }
  })
}

interface End {
  readonly id: string
  /** Steps to the left: where one fails, nothing comes after it. */
  readonly before: readonly string[]
}

/** Every task whose end is an end of the run. */
const endsOf = ([head, children]: ResultTuple, before: readonly string[] = []): readonly End[] => {
  const [id, parent] = head
  const left = [...before]
  for (let step = parent; step !== null; step = step[0][1])
    left.push(...(step[1] === null ? [step[0][0]] : endsOf(step).map((end) => end.id)))
  return children === null ? [{ id, before: left }] : children.flatMap((child) => endsOf(child, left))
}

/** A run whose results have vanished, or never came in the time that results are kept, is over. */
export const endedOf = async (
  runs: readonly SentRun[],
  backend: Backend,
  nowMs: number,
  resultExpires: number,
): Promise<readonly boolean[]> => {
  const ends = runs.map(({ result }) => endsOf(result as ResultTuple))
  const ids = [...new Set(ends.flat().flatMap(({ id, before }) => [id, ...before]))]
  const metas = await readMetas(backend, ids)
  const states = new Map(ids.map((id, index) => [id, metas[index]?.state ?? 'PENDING']))
  const isOver = (id: string): boolean => isReady(states.get(id) ?? 'PENDING')
  const isFailed = (id: string): boolean => isOver(id) && states.get(id) !== 'SUCCESS'
  return runs.map(
    ({ atMs }, index) =>
      (resultExpires > 0 && nowMs - atMs > resultExpires * 1000) ||
      ends[index]!.every(({ id, before }) => isOver(id) || before.some(isFailed)),
  )
}
