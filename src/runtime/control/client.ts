// The client's side of remote control: says something to all workers, or some, and gathers what they answer.
// Silence ends the wait, so that each answer gives the others time again; an answer of everybody who was
// named ends it at once.
import { randomUUID } from 'node:crypto'
import { InvalidUsage } from '../../errors.js'
import type { Mailbox } from '../mailbox.js'
import { show } from '../fields.js'
import { decodeReply, encodeRequest, pidboxOf, replyExchangeOf, type Target } from './pidbox.js'

/** Who is meant, and whether somebody waits for answers. */
export interface BroadcastOptions {
  /** Names of nodes such as `celery@host`; without any, all. */
  readonly destination?: string | readonly string[]
  /** Nodes by their name: a shell's pattern, or with `matcher: 'pcre'` a regular expression. */
  readonly pattern?: string
  readonly matcher?: 'glob' | 'pcre'
  /** Seconds of silence after which nobody else is waited for. Default 1. */
  readonly timeout?: number
  /** As many answers end the wait. Default: as many as there are destinations. */
  readonly limit?: number
}

/** One node's answer under its name. */
export type NodeReply = Readonly<Record<string, any>>

export interface ControlSource {
  readonly mailbox: () => Promise<Mailbox>
  readonly controlExchange: () => string
}

const targetOf = (options: BroadcastOptions): Target => {
  const { destination, pattern, matcher = 'glob' } = options
  const names = typeof destination === 'string' ? [destination] : destination
  if (names !== undefined && (!Array.isArray(names) || names.some((name) => typeof name !== 'string')))
    throw new InvalidUsage(`control: expected destination to be names of nodes, got ${show(destination)}.`)
  // Any other word silences Python workers until they are restarted.
  if (matcher !== 'glob' && matcher !== 'pcre')
    throw new InvalidUsage(`control: expected matcher to be "glob" or "pcre", got ${show(matcher)}.`)
  return {
    ...(names !== undefined && names.length > 0 && { destination: names }),
    ...(pattern !== undefined && { pattern, matcher }),
  }
}

const secondsOf = (timeout: unknown): number => {
  if (typeof timeout === 'number' && timeout > 0 && Number.isFinite(timeout)) return timeout
  throw new InvalidUsage(`control: expected timeout in seconds, more than 0, got ${show(timeout)}.`)
}

export class ControlClient {
  #clock = 0

  constructor(private readonly source: ControlSource) {}

  /** Says it, and waits for no answer. Resolves when it was said. */
  async tell(
    method: string,
    args: Readonly<Record<string, unknown>>,
    options: BroadcastOptions,
  ): Promise<void> {
    const exchange = pidboxOf(this.source.controlExchange())
    this.#clock += 1
    const raw = encodeRequest(method, args, {
      ...targetOf(options),
      exchange,
      clock: this.#clock,
      expires: 0,
    })
    await (await this.source.mailbox()).broadcast(exchange, raw)
  }

  /** Says it, and gathers the answers in the order in which they come; `patience` may end the wait as well. */
  async ask(
    method: string,
    args: Readonly<Record<string, unknown>>,
    options: BroadcastOptions,
    patience?: Promise<void>,
  ): Promise<readonly NodeReply[]> {
    const target = targetOf(options)
    const timeout = secondsOf(options.timeout ?? 1)
    const limit = options.limit ?? target.destination?.length ?? Number.POSITIVE_INFINITY
    const mailbox = await this.source.mailbox()
    const { controlExchange } = this.source
    const exchange = pidboxOf(controlExchange())
    const to = { exchange: replyExchangeOf(controlExchange()), routingKey: randomUUID() }
    const ticket = randomUUID()
    const answers: NodeReply[] = []
    let enough: () => void = () => undefined
    const end = new Promise<void>((resolve) => {
      enough = resolve
    })
    let silence: NodeJS.Timeout | undefined
    const wait = (): void => {
      clearTimeout(silence)
      silence = setTimeout(enough, timeout * 1000)
    }
    const close = await mailbox.replies(to.exchange, to.routingKey, (raw) => {
      const reply = decodeReply(raw)
      if (reply === undefined || reply.ticket !== ticket) return
      if (reply.expires !== null && reply.expires < Date.now() / 1000) return
      this.#clock = Math.max(this.#clock, reply.clock) + 1
      answers.push({ [reply.node]: reply.payload })
      if (answers.length >= limit) enough()
      else wait()
    })
    try {
      this.#clock += 1
      const expires = Date.now() / 1000 + timeout
      const reply = { ticket, to }
      const raw = encodeRequest(method, args, { ...target, exchange, clock: this.#clock, expires, reply })
      await mailbox.broadcast(exchange, raw)
      wait()
      await (patience === undefined ? end : Promise.race([end, patience]))
    } finally {
      clearTimeout(silence)
      await close()
    }
    return answers
  }
}
