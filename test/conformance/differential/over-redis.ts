// The engine's operations, asked of a Redis: the same questions, answered by the scripts that ship, in the engine's
// words. It sends what consumers and brokers send (the arguments are built by the files of src/redis where they
// are pure), with numbers that the test chooses; the tags of the two sides are translated here.
import type { Kind, OperationOf, ReplyTo } from '../../../src/memory/operations.js'
import { DeadLetters } from '../../../src/redis/dead.js'
import { Holdings } from '../../../src/redis/holdings.js'
import { typesOf } from '../../../src/redis/key-types.js'
import { bindingMember, type Databases, directBinding, type Keys } from '../../../src/redis/keys.js'
import type { Link, Reply } from '../../../src/redis/link.js'
import { buildPublish } from '../../../src/redis/publication.js'
import { purgeQueue } from '../../../src/redis/purging.js'
import { sendRevocation } from '../../../src/redis/revoked.js'
import { scripts } from '../../../src/redis/scripts.js'
import { wholeSeconds } from '../../../src/redis/completion-words.js'
import { buildPull, buildStep, type StepCall } from '../../../src/redis/step.js'
import { describeSharing, type StepContext } from '../../../src/redis/step-context.js'
import { readStep } from '../../../src/redis/step-reply.js'
import { firstNote } from '../../../src/redis/tag.js'
import type { Delivery } from '../../../src/runtime/consumer.js'
import type { Page } from '../../../src/runtime/publication.js'
import { gateText } from '../../../src/runtime/gate.js'

/** As the lanes of a consumer are called over there: two of its loop, of waiting, of giving back, of pulling. */
export const laneNames = ['l0', 'l1', 'lw', 'lr', 'lp'] as const

type Words = readonly (string | number)[]

type Ask<K extends Kind> = (asked: OperationOf<K>, arrives: boolean) => Promise<ReplyTo<K>>

interface Known {
  readonly context: StepContext
  readonly holdings: Holdings
  /** The engine's tags → those over there. */
  readonly tags: Map<string, string>
  /** What was said, by lane and number: a copy is the same to the byte. */
  readonly calls: Map<string, StepCall>
}

export class OverRedis {
  readonly #consumers = new Map<string, Known>()
  /** How far the server's clock is behind that of the test. */
  behindMs = 0

  constructor(
    readonly link: Link,
    readonly keys: Keys,
    readonly databases: Databases,
  ) {}

  /** `arrives` false: the answer of a step is lost on its way, and the consumer knows nothing of it. */
  send<K extends Kind>(operation: OperationOf<K>, { arrives = true } = {}): Promise<ReplyTo<K>> {
    const ask = (this.#asks as unknown as { readonly [Each in Kind]?: Ask<Each> })[operation.kind as K]
    if (ask === undefined) throw new Error(`${operation.kind} is not played`)
    return (ask as Ask<K>)(operation, arrives)
  }

  /** The hash field that a tag of the engine stands for. */
  #fieldOf(consumer: string, tag: string): string {
    const { holdings, tags } = this.#known(consumer)
    return holdings.fieldOf(this.#tagOf(tags, tag))
  }

  #tagOf = (tags: ReadonlyMap<string, string>, tag: string): string => {
    const found = tags.get(tag)
    if (found === undefined) throw new Error(`No delivery was ever named ${tag}`)
    return found
  }

  /** A moment by the server's clock. */
  #timed = <T extends object>(what: T): T =>
    'dueMs' in what ? { ...what, dueMs: (what.dueMs as number) - this.behindMs } : what

  #known(consumer: string): Known {
    const known = this.#consumers.get(consumer)
    if (known === undefined) throw new Error(`${consumer} never registered`)
    return known
  }

  readonly #asks = {
    register: async (asked: OperationOf<'register'>): Promise<null> => {
      const { consumer, hostname, queues, leaseMs, bindings = [] } = asked
      const { keys, databases } = this
      const exchanges = [...queues, ...bindings.map(({ exchange }) => exchange)]
      const names = [keys.consumer(consumer), keys.consumers, ...exchanges.map(keys.binding)]
      const args: Words = [names.length, ...names, consumer, leaseMs, hostname, JSON.stringify(queues)]
      await this.link.run(scripts.register, [
        ...args,
        ...queues.map(directBinding),
        ...bindings.map(bindingMember),
      ])
      if (this.#consumers.has(consumer)) return null
      const holdings = new Holdings()
      const { deadLetterMax, deadLetterExpires, gated = false } = asked
      const context: StepContext = {
        keys,
        databases,
        id: consumer,
        hostname,
        queues,
        deadLetterMax,
        deadLetterExpires,
        gated,
        fieldOf: holdings.fieldOf,
        rawOf: holdings.rawOf,
        sharing: describeSharing(keys, consumer, queues),
      }
      this.#consumers.set(consumer, { context, holdings, tags: new Map(), calls: new Map() })
      return null
    },

    renew: async ({ consumer, leaseMs }: OperationOf<'renew'>): Promise<boolean> => {
      const { consumers, unackedIndex } = this.keys
      const reply = await this.link.run(scripts.renew, [
        2,
        consumers,
        unackedIndex,
        consumer,
        leaseMs,
        '',
        '',
      ])
      return (reply as readonly number[])[1] === 1
    },

    unregister: async ({ consumer }: OperationOf<'unregister'>) => {
      let moved = 0
      for (;;) {
        const reply = await this.#reap(consumer)
        moved += reply.moved
        if (!reply.isMore) return { moved }
      }
    },

    /** One consumer, in calls of two messages each. */
    reap: async (_asked: OperationOf<'reap'>) => {
      let moved = 0
      for (;;) {
        const reply = await this.#reap('')
        moved += reply.moved
        const isDone = (await this.link.send('zscore', [this.keys.consumers, reply.consumer])) === null
        if (reply.consumer === '' && !reply.isMore) return { consumer: null, hostname: null, moved }
        if (reply.consumer !== '' && isDone)
          return { consumer: reply.consumer.replace(/^!/, ''), hostname: reply.hostname, moved }
      }
    },

    publish: async ({
      pushes,
      chords,
      pages,
      sender = '',
      number = 0,
    }: OperationOf<'publish'>): Promise<boolean> => {
      const publication = {
        pushes: pushes.map((push) => ({ ...this.#timed(push), raw: String(push.raw) })),
        chords,
        ...(pages && { pages }),
      }
      const { keys, databases } = this
      const { args } = buildPublish(keys, databases, keys.sender(sender, 0), number, [publication])
      return (await this.link.run(scripts.publish, args)) === 1
    },

    step: async (asked: OperationOf<'step'>, arrives: boolean): Promise<ReplyTo<'step'>> => {
      const { consumer, lane, request } = asked
      const { context, holdings, tags, calls } = this.#known(consumer)
      const name = `${lane}:${request}`
      const completions = asked.completions.map((each) => ({
        ...each,
        tag: this.#tagOf(tags, each.tag),
        ending: this.#timed(each.ending),
        pushes: each.pushes.map(this.#timed),
      }))
      const call = calls.get(name) ?? this.#build(context, { ...asked, completions })
      calls.set(name, call)
      const reply = await this.link.run(scripts.step, call.args)
      if (!Array.isArray(reply)) return { kind: String(reply) as 'lost' | 'stale' }
      const answer = readStep(context.queues, call, reply as Reply[])
      const engineTag = ({ tag }: Delivery): string =>
        `${lane}:${request}:${Number.parseInt(tag, 10) - request}`
      if (arrives) {
        holdings.settle(completions, answer)
        for (const delivery of answer.deliveries) tags.set(engineTag(delivery), delivery.tag)
      }
      const deliveries = answer.deliveries.map((delivery) => ({ ...delivery, tag: engineTag(delivery) }))
      return { kind: 'done', ...answer, deliveries }
    },

    note: async ({ consumer, tag, fence, parts }: OperationOf<'note'>): Promise<ReplyTo<'note'>> => {
      const { keys, databases } = this
      const field = this.#fieldOf(consumer, tag)
      const names = [keys.consumer(consumer), keys.unacked, keys.unackedIndex]
      const about = parts.flatMap((part) => [
        keys.seen(part),
        keys.taken(part),
        part.taskId,
        part.groupId,
        part.bodyId,
      ])
      const args = [3, ...names, field, keys.done(fence), databases.broker, databases.results, '', ...about]
      const reply = await this.link.run(scripts.note, args)
      const { holdings, tags } = this.#known(consumer)
      const there = this.#tagOf(tags, tag)
      if (!Array.isArray(reply)) {
        if (String(reply) === 'lost') return { kind: 'lost' }
        holdings.mark(there, 'n')
        return { kind: 'run' }
      }
      holdings.mark(there, 'j')
      const joins = (reply as [Buffer, Buffer, Buffer[]][]).map(([groupId, bodyId, members]) => ({
        groupId: String(groupId),
        bodyId: String(bodyId),
        members: members.map(String),
      }))
      return { kind: 'done', joins }
    },

    admit: async ({ consumer, tag, gate }: OperationOf<'admit'>): Promise<ReplyTo<'admit'>> => {
      const { keys } = this
      const { context, holdings, tags } = this.#known(consumer)
      const there = this.#tagOf(tags, tag)
      const field = holdings.fieldOf(there)
      const queue = context.queues[listOf(there) >> 2] as string
      const args = [1, keys.consumer(consumer), field, keys.base, consumer, gateText(gate), queue]
      const reply = String(await this.link.run(scripts.admit, [...args, firstNote(there), '']))
      if (reply === 'run' && !field.includes('g')) holdings.mark(there, 'g')
      return reply as 'run' | 'wait' | 'lost'
    },

    release: async ({ consumer, tag }: OperationOf<'release'>): Promise<boolean> => {
      const { keys } = this
      const field = this.#fieldOf(consumer, tag)
      const names = [keys.consumer(consumer), keys.unacked, keys.unackedIndex]
      const reply = await this.link.run(scripts.mark, [3, ...names, field, `${field}e`, ''])
      const { holdings, tags } = this.#known(consumer)
      if (reply === 1) holdings.mark(this.#tagOf(tags, tag), 'e')
      return reply === 1
    },

    store: async ({ consumer, tag, result }: OperationOf<'store'>): Promise<boolean> => {
      const { keys, databases } = this
      const args: Words = [1, keys.consumer(consumer), this.#fieldOf(consumer, tag)]
      const { taskId, text, expires } = result
      const about = [keys.result(taskId), text, wholeSeconds(expires), databases.broker, databases.results]
      return (await this.link.run(scripts.store, [...args, ...about])) === 1
    },

    promote: async ({ queue, most }: OperationOf<'promote'>): Promise<ReplyTo<'promote'>> => {
      const [moved, nextInMs, serverMs] = await this.#promote(queue, most)
      return { moved, nextMs: nextInMs === -1 ? null : serverMs + nextInMs }
    },

    parked: async ({ queue }: OperationOf<'parked'>): Promise<readonly string[]> =>
      (await this.#promote(queue, 0))[3].map(String).sort(),

    permit: async ({ task, pace, wanted }: OperationOf<'permit'>): Promise<ReplyTo<'permit'>> => {
      const args = [1, this.keys.rate(task), pace.intervalMs * 1000, pace.slackMs * 1000, wanted]
      const [granted, nextInMs] = (await this.link.run(scripts.permit, args)) as [number, number]
      return { granted, nextInMs }
    },

    revoke: async (asked: OperationOf<'revoke'>): Promise<null> => {
      await sendRevocation(this.link, this.keys, this.databases, asked)
      return null
    },

    purge: async ({ queue }: OperationOf<'purge'>): Promise<number> => {
      const run = (args: (string | Buffer | number)[]) => this.link.run(scripts.purge, args)
      return (await purgeQueue(queue, 'nowhere', this.keys, run)) ?? 0
    },

    revive: ({ id, ...revival }: OperationOf<'revive'>): Promise<ReplyTo<'revive'>> =>
      this.#letters(async (letters) => {
        const letter = await letters.read(letterOver(id))
        return letter === null ? 'gone' : letters.revive(letter, revival)
      }),

    purgeDead: ({ ids }: OperationOf<'purgeDead'>): Promise<number> =>
      this.#letters((letters) => letters.purge(ids?.map(letterOver))),

    recall: async ({ pages }: OperationOf<'recall'>): Promise<readonly (string | null)[]> => {
      const read = ({ graph, page }: Omit<Page, 'text'>) =>
        this.link.send('hget', [this.keys.graph(graph), page])
      return (await Promise.all(pages.map(read))).map((text) => (text === null ? null : String(text)))
    },
  }

  #letters<T>(use: (letters: DeadLetters) => Promise<T>): Promise<T> {
    const { link, keys, databases } = this
    const ask = (command: string, args: Words) => link.send(command, args)
    return use(new DeadLetters(ask, (script, args) => link.run(script, args), keys, databases, undefined))
  }

  #build(context: StepContext, { lane, request, ...asked }: OperationOf<'step'>): StepCall {
    const { completions, slots, queues, parkedFor } = asked
    const name = laneNames[lane] as string
    if (parkedFor !== undefined)
      return buildPull(context, name, request, queues[0] as string, parkedFor, slots)
    const order = queues.map((queue) => context.queues.indexOf(queue))
    return buildStep(context, name, request, completions, slots, true, order)
  }

  async #reap(leaving: string) {
    const { consumers, consumerPrefix, redoPrefix, base } = this.keys
    const args = [1, consumers, consumerPrefix, redoPrefix, 2, leaving, base]
    const reply = await this.link.run(scripts.reap, args)
    const [moved, more, consumer, hostname] = reply as unknown as [number, number, Buffer, Buffer]
    return { moved, isMore: more === 1, consumer: String(consumer), hostname: String(hostname) }
  }

  async #promote(queue: string, most: number) {
    const { keys } = this
    const types = typesOf(keys, queue)
    const reply = await this.link.run(scripts.promote, [
      types.length,
      ...types.map(([key]) => key),
      most,
      keys.parkedPrefix(queue),
      ...types.map(([, type]) => type),
    ])
    return reply as unknown as readonly [number, number, number, Buffer[]]
  }
}

/** The engine's name of a letter (consumer, lane, request, place) → that over there. */
const letterOver = (id: string): string => {
  const [consumer, , request, place] = id.split(':')
  return `${consumer}-${Number(request) + Number(place)}`
}

/** Queue × 4 + priority step, as it stands in a tag. */
const listOf = (tag: string): number => Number.parseInt(tag.split(':')[1] ?? '0', 10)
