// app.control: Celery's control commands, each a call. They are told without waiting for an answer, except
// with `reply: true`; `ping` always waits.
import { InvalidUsage } from '../../errors.js'
import { declaredQueues, type Settings } from '../../config.js'
import type { Broker } from '../broker.js'
import { show } from '../fields.js'
import { revocationOf, listOf, type Stamp, stampText } from '../revoked.js'
import { type BroadcastOptions, ControlClient, type ControlSource, type NodeReply } from './client.js'
import { Inspect } from './inspection.js'
import { signalName } from './revoke-commands.js'

export interface ControlOptions extends BroadcastOptions {
  /** Wait for answers: they are what is returned. Default false, and an empty list. */
  readonly reply?: boolean
}

export interface RevokeCommandOptions extends ControlOptions {
  /** End it, too, where it runs. */
  readonly terminate?: boolean
  /** How a child process that runs it is ended. Default SIGTERM. */
  readonly signal?: string | number
}

export interface ControlParts extends ControlSource {
  /** Drops what waits there, and ends what others wait for. */
  readonly purge: (queue: string) => Promise<number>
  readonly broker: () => Promise<Broker>
  readonly settings: () => Settings
}

type Args = Readonly<Record<string, unknown>>

const idsOf = (ids: string | readonly string[]): readonly string[] => {
  const list = listOf(ids)
  if (list.length === 0 || list.some((id) => typeof id !== 'string' || id === ''))
    throw new InvalidUsage(`control.revoke: expected ids of tasks, got ${show(ids)}.`)
  return list as readonly string[]
}

export class Control {
  readonly #client: ControlClient

  constructor(private readonly parts: ControlParts) {
    this.#client = new ControlClient(parts)
  }

  /** Any command by its name, also one of your own Python workers'. */
  async broadcast(
    method: string,
    args: Args = {},
    options: ControlOptions = {},
  ): Promise<readonly NodeReply[]> {
    if (typeof method !== 'string' || method === '')
      throw new InvalidUsage(`control.broadcast: expected the name of a command, got ${show(method)}.`)
    if (options.reply) return this.#client.ask(method, args, options)
    await this.#client.tell(method, args, options)
    return []
  }

  /** Questions to all workers, or some. */
  inspect(options: BroadcastOptions = {}): Inspect {
    return new Inspect(this.#client, options)
  }

  ping(options: BroadcastOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('ping', {}, { ...options, reply: true })
  }

  /**
   * No worker starts these tasks any more, those that start later neither; with `terminate` they are ended
   * where they run. Resolves when the broker remembers it.
   */
  async revoke(
    ids: string | readonly string[],
    { terminate = false, signal, ...options }: RevokeCommandOptions = {},
  ): Promise<readonly NodeReply[]> {
    const list = idsOf(ids)
    const name = signalName(signal)
    await this.#remember(list, [])
    return this.broadcast('revoke', { task_id: list, terminate, signal: name }, options)
  }

  terminate(
    ids: string | readonly string[],
    options: RevokeCommandOptions = {},
  ): Promise<readonly NodeReply[]> {
    return this.revoke(ids, { ...options, terminate: true })
  }

  /** The same for all tasks that carry one of these stamps. */
  async revokeByStampedHeaders(
    headers: Readonly<Record<string, unknown>>,
    { terminate = false, signal, ...options }: RevokeCommandOptions = {},
  ): Promise<readonly NodeReply[]> {
    const stamps = Object.entries(headers).flatMap(([header, value]) =>
      listOf(value).map((each): Stamp => [header, stampText(each)]),
    )
    if (stamps.length === 0)
      throw new InvalidUsage('control.revokeByStampedHeaders: expected { header: value or values }.')
    const name = signalName(signal)
    await this.#remember([], stamps)
    return this.broadcast('revoke_by_stamped_headers', { headers, terminate, signal: name }, options)
  }

  /**
   * Drops what waits in these queues, by default all that are declared: how many messages there were. Nobody is
   * told of a task that stands alone; a chord that waits for one fails, and what was to follow ends REVOKED.
   */
  async purge(
    queues: string | readonly string[] = [...declaredQueues(this.parts.settings()).keys()],
  ): Promise<number> {
    const list = listOf(queues)
    if (list.some((queue) => typeof queue !== 'string' || queue === ''))
      throw new InvalidUsage(`control.purge: expected names of queues, got ${show(queues)}.`)
    let count = 0
    for (const queue of list as readonly string[]) count += await this.parts.purge(queue)
    return count
  }

  /** A warm stop. Workers give no answer to it. */
  async shutdown(options: BroadcastOptions = {}): Promise<void> {
    await this.broadcast('shutdown', {}, options)
  }

  /** Seconds; a limit that is not given is none. */
  timeLimit(
    task: string,
    { soft, hard, ...options }: ControlOptions & { readonly soft?: number; readonly hard?: number },
  ): Promise<readonly NodeReply[]> {
    return this.broadcast('time_limit', { task_name: task, soft: soft ?? null, hard: hard ?? null }, options)
  }

  /** `10/m`, or a number for each second; 0 is without limit. */
  rateLimit(
    task: string,
    rate: string | number,
    options: ControlOptions = {},
  ): Promise<readonly NodeReply[]> {
    return this.broadcast('rate_limit', { task_name: task, rate_limit: rate }, options)
  }

  enableEvents(options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('enable_events', {}, options)
  }

  disableEvents(options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('disable_events', {}, options)
  }

  heartbeat(options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('heartbeat', {}, options)
  }

  addConsumer(queue: string, options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('add_consumer', { queue }, options)
  }

  cancelConsumer(queue: string, options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('cancel_consumer', { queue }, options)
  }

  poolGrow(n = 1, options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('pool_grow', { n }, options)
  }

  poolShrink(n = 1, options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('pool_shrink', { n }, options)
  }

  poolRestart(options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('pool_restart', {}, options)
  }

  autoscale(max: number, min: number, options: ControlOptions = {}): Promise<readonly NodeReply[]> {
    return this.broadcast('autoscale', { max, min }, options)
  }

  /** It holds although no worker hears it now. */
  async #remember(ids: readonly string[], stamps: readonly Stamp[]): Promise<void> {
    const broker = await this.parts.broker()
    await broker.revoke(revocationOf(ids, stamps, this.parts.settings(), broker.now()))
  }
}
