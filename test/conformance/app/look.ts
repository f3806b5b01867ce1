// What lies in an engine: messages, results, open chords. For tests that compare it with captures, and for those
// that insist that nothing stays behind.
import type { Redis } from 'ioredis'
import { dequeToArray } from '../../../src/memory/deque.js'
import type { State } from '../../../src/memory/state.js'

export interface Looked {
  /** Queue → its messages, the oldest first, the most urgent in front. */
  readonly messages: Readonly<Record<string, readonly string[]>>
  /** Task id → the stored text. */
  readonly results: Readonly<Record<string, string>>
  /** Chords that wait for parts, or for their body's publication. */
  readonly chords: readonly { readonly size: number | null; readonly parts: number }[]
  /** Group id → the shape that was saved. */
  readonly groups: Readonly<Record<string, string>>
}

export const lookAtMemory = (state: State): Looked => {
  const messages: Record<string, string[]> = {}
  for (const [key, deque] of [...state.lists].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const queue = key.slice(0, key.lastIndexOf('\n'))
    messages[queue] = [...(messages[queue] ?? []), ...dequeToArray(deque).map(({ raw }) => raw.toString())]
  }
  const open = [...state.chords.values()].filter(({ size, taken }) => size !== null || taken !== null)
  return {
    messages,
    results: Object.fromEntries([...state.results].map(([id, { text }]) => [id, text])),
    chords: open.map(({ size, count, taken }) => ({ size, parts: taken?.length ?? count })),
    groups: Object.fromEntries([...state.groups].map(([id, { text }]) => [id, text])),
  }
}

/** And no answer to who asked for workers. */
const isQueue = (name: string): boolean =>
  !name.startsWith('lovage:') && !name.endsWith('.reply.celery.pidbox')

/** Separates a queue's name from a priority. */
const separator = '\x06\x16'

export const lookAtRedis = async (client: Redis, prefix: string): Promise<Looked> => {
  const keys = (await client.keys(`${prefix}*`)).sort()
  const messages: Record<string, string[]> = {}
  const results: Record<string, string> = {}
  const groups: Record<string, string> = {}
  const chords = new Map<string, { size: number | null; parts: number }>()
  const chordOf = (id: string) => {
    if (!chords.has(id)) chords.set(id, { size: null, parts: 0 })
    return chords.get(id)!
  }
  const countOf = async (key: string): Promise<number> =>
    (await client.type(key)) === 'list' ? client.llen(key) : client.zcard(key)
  for (const key of keys) {
    const name = key.slice(prefix.length)
    const [, result] = /^celery-task-meta-(.*)$/.exec(name) ?? []
    const [, group, suffix] = /^celery-taskset-meta-([^.]*)(?:\.(.))?$/.exec(name) ?? []
    const [, taken] = /^lovage:chord:(.*):taken$/.exec(name) ?? []
    const text = async (): Promise<string> => (await client.get(key)) ?? ''
    if (result !== undefined) results[result] = await text()
    else if (group !== undefined && suffix === undefined) groups[group] = await text()
    else if (group !== undefined && suffix === 's') chordOf(group).size = Number(await text())
    else if (group !== undefined && suffix === 'j') chordOf(group).parts = await countOf(key)
    else if (group !== undefined) chordOf(group)
    else if (taken !== undefined) chordOf(taken).parts = await countOf(key)
    else if (isQueue(name) && (await client.type(key)) === 'list') {
      const [queue = ''] = name.split(separator)
      messages[queue] = [...(messages[queue] ?? []), ...(await client.lrange(key, 0, -1)).reverse()]
    }
  }
  return { messages, results, chords: [...chords.values()], groups }
}
