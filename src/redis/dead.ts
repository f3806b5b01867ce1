// Dead letters: messages that could not end well, kept for a while and never more than a bounded number
// (lua/step.lua writes them). They are read, sent again, or thrown away.
import { randomUUID } from 'node:crypto'
import type { Broker } from '../runtime/broker.js'
import type { DeadLetter, Revival, Revived } from '../runtime/dead-letter.js'
import { type Databases, type Keys, writtenAs } from './keys.js'
import type { Reply } from './link.js'
import { type Script, scripts } from './scripts.js'

type Args = readonly (string | number)[]

export interface FarResults {
  /** Resolves when what has been written so far has arrived there. */
  seeOff(): Promise<void>
  /** What lies there now. */
  ask(names: readonly string[]): Promise<readonly (string | null)[]>
}

const fields = ['queue', 'reason', 'attempts', 'lastWorker', 'diedAt', 'taskId', 'task', 'raw']

const orNull = (text: string): string | null => (text === '' || text === '-' ? null : text)

const letterOf = (id: string, values: readonly (Buffer | null)[]): DeadLetter | null => {
  const raw = values[7]
  // Expired since (the set forgets it with the next letter), or sent again.
  if (raw == null) return null
  const [queue = '', reason = '', attempts, lastWorker = '', diedAt, taskId = '', task = ''] = values.map(
    (value) => String(value ?? ''),
  )
  return {
    id,
    queue,
    reason,
    attempts: Number(attempts),
    lastWorker: orNull(lastWorker),
    diedAt: new Date(Number(diedAt)),
    taskId: orNull(taskId),
    task: orNull(task),
    raw,
  }
}

/** `ask` and `run` wait for the answer, and send again when it is lost. */
export class DeadLetters implements NonNullable<Broker['dead']> {
  constructor(
    private readonly ask: (command: string, args: Args) => Promise<Reply>,
    private readonly run: (script: Script, args: Args) => Promise<Reply>,
    private readonly keys: Keys,
    private readonly databases: Databases,
    /** The server of the results, where that is another one. */
    private readonly far: FarResults | undefined,
  ) {}

  /** Newest first. */
  async list(limit: number): Promise<readonly DeadLetter[]> {
    if (limit <= 0) return []
    const ids = (await this.ask('zrevrange', [this.keys.dead, 0, limit - 1])) as readonly Buffer[]
    const letters: DeadLetter[] = []
    // Each may have many MB.
    for (let from = 0; from < ids.length; from += 100) {
      const some = await Promise.all(ids.slice(from, from + 100).map((id) => this.read(String(id))))
      letters.push(...some.filter((letter) => letter !== null))
    }
    return letters
  }

  async ids(queue?: string): Promise<readonly string[]> {
    const ids = ((await this.ask('zrevrange', [this.keys.dead, 0, -1])) as readonly Buffer[]).map(String)
    const found: string[] = []
    for (let from = 0; from < ids.length; from += 1000) {
      const some = ids.slice(from, from + 1000)
      const queues = await Promise.all(
        some.map((id) => this.ask('hget', [this.keys.deadLetter(id), 'queue'])),
      )
      // (Null: it has expired.)
      found.push(
        ...some.filter(
          (_, at) => queues[at] != null && (queue === undefined || String(queues[at]) === queue),
        ),
      )
    }
    return found
  }

  async read(id: string): Promise<DeadLetter | null> {
    const values = await this.ask('hmget', [this.keys.deadLetter(id), ...fields])
    return letterOf(id, values as readonly (Buffer | null)[])
  }

  async revive({ id, queue }: DeadLetter, { fences, taskIds, parts }: Revival): Promise<Revived> {
    const { keys, databases } = this
    const letter = keys.deadLetter(id)
    const open = await this.#openFar(parts)
    const step = Number((await this.ask('hget', [letter, 'step'])) ?? 0)
    const places = parts.flatMap(({ groupId, bodyId, taskId }) => [
      keys.resultPrefix,
      groupId,
      bodyId,
      taskId,
      open.has(groupId) ? '1' : '',
    ])
    const reply = await this.run(scripts.revive, [
      3,
      keys.dead,
      letter,
      keys.list(queue, step),
      id,
      randomUUID(),
      databases.broker,
      databases.written,
      fences.length,
      taskIds.length,
      ...fences.map(keys.done),
      ...taskIds.map((taskId) => writtenAs(keys, databases, taskId)),
      ...places,
    ])
    const revived = String(reply) as Revived
    if (revived === 'sent') await this.far?.seeOff()
    return revived
  }

  /** Of the chords of these parts those that wait on the other server; one may be on its way there. */
  async #openFar(parts: Revival['parts']): Promise<ReadonlySet<string>> {
    if (this.far === undefined || parts.length === 0) return new Set()
    await this.far.seeOff()
    const sizes = await this.far.ask(parts.map(({ groupId }) => this.keys.chord(groupId, 's')))
    return new Set(parts.filter((_, i) => sizes[i] !== null).map(({ groupId }) => groupId))
  }

  async purge(ids?: readonly string[]): Promise<number> {
    if (ids?.length === 0) return 0
    let count = 0
    for (;;) {
      const reply = await this.run(scripts.drop, [1, this.keys.dead, ...(ids ?? [])])
      const [dropped, left] = reply as readonly [number, number]
      count += dropped
      if (ids !== undefined || left === 0) return count
    }
  }
}
