// What a worker would do with a message, by the deciders that ship: read it, run it, follow it, write the
// completion. Each message is asked about once; tags are put in afterwards.
import { readSettings } from '../../src/config.js'
import type { Node } from '../../src/canvas/node.js'
import { Retry } from '../../src/errors.js'
import type { Completion } from '../../src/runtime/consumer.js'
import type { Publication } from '../../src/runtime/publication.js'
import { decompose } from '../../src/runtime/decompose.js'
import { followSuccess } from '../../src/runtime/follow.js'
import { failureOf, followFailure } from '../../src/runtime/follow-failure.js'
import { type Complete, followJoins } from '../../src/runtime/follow-join.js'
import { followRetry } from '../../src/runtime/follow-retry.js'
import type { Message } from '../../src/runtime/message.js'
import { seatsAround } from '../../src/runtime/parts.js'
import { fenceOf, type Means, toCompletion, toPublication } from '../../src/runtime/perform.js'
import type { Plan } from '../../src/runtime/plan.js'
import { Registry } from '../../src/runtime/registry.js'
import { Router } from '../../src/runtime/router.js'
import { contextOf, read } from '../runtime/plans.js'

/** A message as the explorer knows it: `name` is its task id and its retry. */
export interface Known {
  readonly index: number
  readonly name: string
  readonly isLater: boolean
  readonly fence: string
  readonly parts: readonly { readonly groupId: string; readonly bodyId: string; readonly taskId: string }[]
}

const means: Means = {
  router: new Router(readSettings({}), new Registry()),
  broker: { route: () => Promise.resolve([]), now: () => 0 },
  compression: undefined,
}

/** Tasks: what each gives, or throws. */
const code: Readonly<Record<string, (message: Message) => unknown>> = {
  gather: ({ args }) => (args[0] as readonly string[]).join(''),
  run: ({ id }) => id,
  later: ({ id }) => id,
  fail: ({ id }) => {
    throw new Error(`${id} failed`)
  },
  again: ({ id, retries }) => {
    if (retries === 0) throw new Retry({}, 'once more')
    return id
  },
}

const now = <T>(value: T | Promise<T>): T => {
  if (value instanceof Promise) throw new Error('No exchange is asked here')
  return value
}

export class Script {
  /** One buffer for each text: the engine passes them on, so that they are known by identity. */
  readonly #buffers = new Map<string, Buffer>()
  readonly #messages = new Map<Buffer, { readonly message: Message; readonly known: Known }>()
  readonly #ends = new Map<string, Completion>()
  #minted = 0

  readonly #mint = (): string => `m${++this.#minted}`

  /** What the client sends. */
  first(canvas: Node): Publication {
    return this.#interned(
      now(toPublication(decompose(canvas, [], {}, { mint: this.#mint, nowMs: 0 }), means)),
    )
  }

  #interned<T extends Publication>(publication: T): T {
    const pushes = publication.pushes.map((push) => ({ ...push, raw: this.#buffer(push.raw) }))
    return { ...publication, pushes: pushes as unknown as Publication['pushes'] }
  }

  #buffer(text: string): Buffer {
    const buffer = this.#buffers.get(text) ?? Buffer.from(text)
    this.#buffers.set(text, buffer)
    return buffer
  }

  know(raw: Buffer): Known {
    return this.#of(raw).known
  }

  /** The completion of a run; `joins` are the chords that it was told to be complete. */
  end(raw: Buffer, tag: string, joins: readonly Complete[]): Completion {
    const { message, known } = this.#of(raw)
    const key = `${known.index} ${joins.map(({ groupId, bodyId, members }) => `${groupId} ${bodyId} ${members.join()}`).join()}`
    let completion = this.#ends.get(key)
    if (completion === undefined) {
      const ended = { tag: '', message, resultExpires: 0, extended: undefined }
      completion = this.#interned(now(toCompletion(this.#plan(message, joins), ended, means)))
      this.#ends.set(key, completion)
    }
    return { ...completion, tag }
  }

  #plan(message: Message, joins: readonly Complete[]): Plan {
    const context = contextOf({ mint: this.#mint, nowMs: 0 })
    if (joins.length > 0) return followJoins(message, joins, { kind: 'ack' }, context)
    try {
      return followSuccess(message, code[message.task]?.(message), context)
    } catch (error) {
      if (error instanceof Retry) return followRetry(message, error, context)
      return followFailure(message, failureOf(error), context)
    }
  }

  #of(raw: Buffer) {
    const found = this.#messages.get(raw)
    if (found !== undefined) return found
    const message = read(raw.toString('utf8'))
    const known: Known = {
      index: this.#messages.size,
      name: `${message.id}:${message.retries}`,
      isLater: message.task === 'later',
      fence: fenceOf(message),
      parts: seatsAround(message).map(({ groupId, bodyId }) => ({ groupId, bodyId, taskId: message.id })),
    }
    const entry = { message, known }
    this.#messages.set(raw, entry)
    return entry
  }
}
