// What became of each single message that somebody put into a queue: a dead letter with its very bytes, a result under
// its id, an end in the ledger (where no result is kept), or a place among those that wait for their eta or their next
// try.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Scene } from './scene.js'

export type Fate = 'dead' | 'result' | 'ended' | 'deferred'

/** The task's id as a reader of JSON finds it: protocol 2 has it in the headers, protocol 1 in the body. */
const idOf = (raw: Buffer): string | undefined => {
  try {
    const { headers, body } = JSON.parse(raw.toString()) as { headers?: { id?: unknown }; body?: unknown }
    if (typeof headers?.id === 'string') return headers.id
    const inner = JSON.parse(Buffer.from(String(body), 'base64').toString()) as { id?: unknown }
    return typeof inner.id === 'string' ? inner.id : undefined
  } catch {
    return undefined
  }
}

/** Of the messages in the list, those that are not in `found`; each there is used up by one. */
const without = (raws: readonly Buffer[], found: readonly Buffer[]): readonly Buffer[] => {
  const many = new Map<string, number>()
  const key = (raw: Buffer): string => raw.toString('latin1')
  for (const raw of found) many.set(key(raw), (many.get(key(raw)) ?? 0) + 1)
  return raws.filter((raw) => {
    const left = many.get(key(raw)) ?? 0
    many.set(key(raw), left - 1)
    return left <= 0
  })
}

export class Census {
  readonly counted: Record<Fate, number> = { dead: 0, result: 0, ended: 0, deferred: 0 }
  /** Of whom there is no trace. */
  readonly missing: Buffer[] = []
  readonly #ended = new Set<string>()
  #seen = 0

  constructor(
    private readonly scene: Scene,
    private readonly queue: string,
  ) {}

  /** Finds each of these, waiting for what is still on its way; dead letters are taken out, so that they never fill up. */
  async take(raws: readonly Buffer[]): Promise<void> {
    const end = performance.now() + 10_000
    let left = await this.#find(raws)
    while (left.length > 0 && performance.now() < end) {
      await sleep(5)
      left = await this.#find(left)
    }
    this.missing.push(...left)
  }

  async #find(raws: readonly Buffer[]): Promise<readonly Buffer[]> {
    const { outside } = this.scene
    let left = this.#note('dead', raws, without(raws, await takeLetters(outside)))
    const finals = await this.#finals(left)
    left = this.#note(
      'result',
      left,
      left.filter((_, at) => !finals[at]),
    )
    for (const entry of this.scene.ledger.entries.slice(this.#seen)) {
      this.#seen += 1
      if (entry.what === 'end') this.#ended.add(entry.id)
    }
    left = this.#note(
      'ended',
      left,
      left.filter((raw) => !this.#ended.has(String(idOf(raw)))),
    )
    if (left.length === 0) return left
    const broker = await this.scene.app.broker()
    const deferred = await broker.deferred(this.queue, 100_000)
    // By their ids: what is tried again has other bytes.
    const waiting = new Set(deferred.map(({ raw }) => idOf(raw)))
    return this.#note(
      'deferred',
      left,
      left.filter((raw) => !waiting.has(idOf(raw))),
    )
  }

  #note(fate: Fate, before: readonly Buffer[], after: readonly Buffer[]): readonly Buffer[] {
    this.counted[fate] += before.length - after.length
    return after
  }

  async #finals(raws: readonly Buffer[]): Promise<readonly boolean[]> {
    if (raws.length === 0) return []
    const texts = await this.scene.outside.mget(raws.map((raw) => `celery-task-meta-${idOf(raw) ?? ''}`))
    // Not parsed: as from Python, there may be a NaN in it.
    return texts.map((text) => /^\{"status": "(SUCCESS|FAILURE|REVOKED)"/.test(text ?? ''))
  }
}

/** The bytes of all dead letters, which are removed. */
const takeLetters = async (outside: Redis): Promise<readonly Buffer[]> => {
  const ids = await outside.zrange('lovage:dead', 0, '-1')
  if (ids.length === 0) return []
  const keys = ids.map((id) => `lovage:dead:${id}`)
  const raws = await Promise.all(keys.map((key) => outside.hgetBuffer(key, 'raw')))
  await outside.zrem('lovage:dead', ...ids)
  await outside.del(...keys)
  return raws.filter((raw) => raw !== null)
}
