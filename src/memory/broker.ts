// The Broker port over a memory room.
import { OperationalError } from '../errors.js'
import { isBoundBy } from '../runtime/binding.js'
import type {
  Broker,
  Deferred,
  Finding,
  PublishOptions,
  Revocation,
  RevokedSince,
  ServerReport,
} from '../runtime/broker.js'
import type { Consumer, ConsumerOptions } from '../runtime/consumer.js'
import type { DeadLetter, Revival, Revived } from '../runtime/dead-letter.js'
import type { FireReply, Firing } from '../runtime/firing.js'
import type { Publication } from '../runtime/publication.js'
import { MemoryConsumer } from './consumer.js'
import type { Room } from './room.js'
import type { Letter } from './records.js'

const toDeadLetter = (letter: Letter): DeadLetter => {
  const { id, queue, reason, attempts, lastWorker, taskId, task, raw } = letter
  return { id, queue, reason, attempts, lastWorker, taskId, task, raw, diedAt: new Date(letter.diedAtMs) }
}

export class MemoryBroker implements Broker {
  readonly #consumers = new Set<Consumer>()
  #isOpen = true

  constructor(
    readonly url: string,
    readonly room: Room,
  ) {}

  readonly dead = {
    list: async (limit: number): Promise<readonly DeadLetter[]> =>
      this.room.submit('deadLetters', { most: limit }).map(toDeadLetter),
    ids: async (queue?: string): Promise<readonly string[]> =>
      this.room
        .submit('deadLetters', { most: Number.MAX_SAFE_INTEGER })
        .filter((letter) => queue === undefined || letter.queue === queue)
        .map(({ id }) => id),
    read: async (id: string): Promise<DeadLetter | null> => {
      const letter = this.room.submit('deadLetter', { id })
      return letter === null ? null : toDeadLetter(letter)
    },
    revive: async ({ id }: DeadLetter, revival: Revival): Promise<Revived> =>
      this.room.submit('revive', { id, ...revival }),
    purge: async (ids?: readonly string[]): Promise<number> =>
      this.room.submit('purgeDead', ids === undefined ? {} : { ids }),
  }

  now(): number {
    return Date.now()
  }

  async publish(
    { pushes, chords, pages = [] }: Publication,
    { durability }: PublishOptions = {},
  ): Promise<void> {
    this.#assertOpen()
    for (const promise of ['replicas', 'aof'] as const)
      if ((durability?.[promise] ?? 0) > 0)
        throw new OperationalError(
          `Not published. ${this.url} lies in this process and has neither replicas nor a disk: leave durability.${promise} out, or use redis://.`,
        )
    this.room.submit('publish', { pushes, chords, pages })
  }

  async route(exchange: string, routingKey: string): Promise<readonly string[]> {
    const bound = this.room.state.bindings.get(exchange) ?? []
    const fitting = bound.filter((binding) => isBoundBy(binding, routingKey))
    return [...new Set(fitting.map(({ queue }) => queue))].sort()
  }

  async consume(options: ConsumerOptions): Promise<Consumer> {
    this.#assertOpen()
    const consumer = new MemoryConsumer(this.room, options, () => this.#consumers.delete(consumer))
    this.#consumers.add(consumer)
    return consumer
  }

  async fire(firings: readonly Firing[]): Promise<readonly FireReply[]> {
    if (this.#isOpen) return this.room.submit('fire', { firings }).map((kind) => ({ kind }))
    const error = new OperationalError(`The broker ${this.url} is closed: nothing was sent.`)
    return firings.map(() => ({ kind: 'failed', error }))
  }

  async lead(scope: string, by: string, leaseMs: number): Promise<boolean> {
    return this.room.submit('lead', { scope, by, leaseMs })
  }

  async examine(): Promise<readonly Finding[]> {
    const says = 'this engine lives in its process and ends with it: there is nothing to look after'
    return [{ check: 'server', level: 'ok', says, mend: null, commands: [] }]
  }

  async inspect(): Promise<ServerReport> {
    return { server: 'memory', refusals: [], warnings: [] }
  }

  async revoke(revocation: Revocation): Promise<void> {
    this.#assertOpen()
    this.room.submit('revoke', revocation)
  }

  async revoked(sinceMs = 0): Promise<RevokedSince> {
    return this.room.submit('revoked', { sinceMs })
  }

  async deferred(queue: string, limit: number): Promise<readonly Deferred[]> {
    return this.room.submit('deferred', { queue, most: limit })
  }

  async length(queue: string): Promise<number> {
    return this.room.submit('length', { queue })
  }

  async purge(queue: string): Promise<number> {
    return this.room.submit('purge', { queue })
  }

  async setAside(queue: string): Promise<number | null> {
    return this.room.submit('setAside', { queue })
  }

  async close(): Promise<void> {
    this.#isOpen = false
    for (const consumer of this.#consumers) await consumer.close()
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new OperationalError(`The broker ${this.url} is closed: nothing was sent.`)
  }
}
