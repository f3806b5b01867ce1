// A worker's voice: that it is there, that it lives, that it leaves; and, while task events are on, what becomes of
// its tasks. Whoever cannot be told is not told: no task waits for an event.
import { loadavg, type } from 'node:os'
import type { Logger } from '../../log.js'
import { encodeEvent, encodeEvents, type EventMessage, makeEvent } from '../event-message.js'
import { type Fields, groupOf, type OwnEvent } from '../events.js'
import type { Mailbox } from '../mailbox.js'
import type { Routed } from '../router.js'
import { mostInOne } from '../sent-events.js'
import { Batches } from './batches.js'
import { startHeart } from './heart.js'
import { Reports } from './reports.js'

export interface WorkerEventsOptions {
  readonly hostname: string
  readonly version: string
  readonly mailbox: () => Promise<Mailbox>
  readonly exchange: string
  /** Task events from the start, and as long as it lives: nobody can switch them off from afar. */
  readonly always: boolean
  /** Seconds; undefined: it says nothing of itself. */
  readonly heartbeat: number | undefined
  /** Tasks that run now, and that were started so far. */
  readonly load: () => { readonly active: number; readonly processed: number }
  readonly tellSent: ((sent: readonly Routed[]) => void) | undefined
  readonly log: Logger
}

/** What Celery says to who asks for a heartbeat. */
const askedFreq = 5

const system = type() === 'Windows_NT' ? 'Windows' : type()

const round = (load: number): number => Math.round(load * 100) / 100

export class WorkerEvents {
  readonly clock = { value: 0 }
  readonly reports: Reports
  /** From the first time that task events are on. */
  #batches: Batches | undefined
  #stopHeart: (() => void) | undefined

  constructor(private readonly options: WorkerEventsOptions) {
    this.reports = new Reports({
      say: (type, fields) => this.#batches?.add(makeEvent(this.#sender, type, fields)),
      tellSent: options.tellSent,
    })
  }

  get #sender() {
    return { hostname: this.options.hostname, clock: this.clock }
  }

  /** Resolves when the worker is known. */
  async open(): Promise<void> {
    const { always, heartbeat } = this.options
    if (always) this.#switchOn()
    if (heartbeat !== undefined) {
      await this.#tell('worker-online', this.#state(heartbeat))
      this.#stopHeart = startHeart(heartbeat * 1000, () =>
        this.#tell('worker-heartbeat', this.#state(heartbeat)),
      )
    }
  }

  /** Lets out what is still to be told, and says goodbye. */
  async close(): Promise<void> {
    this.#stopHeart?.()
    this.reports.isOn = false
    await this.#batches?.close()
    const { heartbeat } = this.options
    if (this.#stopHeart !== undefined && heartbeat !== undefined)
      await this.#tell('worker-offline', this.#state(heartbeat))
    this.#stopHeart = undefined
  }

  /** The broker was away: others may think that we are gone. */
  again(): void {
    const { heartbeat } = this.options
    if (this.#stopHeart !== undefined && heartbeat !== undefined)
      void this.#tell('worker-online', this.#state(heartbeat))
  }

  /** Somebody wants to know who is there. */
  async beatNow(): Promise<void> {
    if (this.options.heartbeat !== undefined || this.reports.isOn)
      await this.#tell('worker-heartbeat', { freq: askedFreq, ...this.#software })
  }

  /** Task events, from now on. False: that was so before. */
  enable(): boolean {
    if (this.options.always || this.reports.isOn) return false
    this.#switchOn()
    this.options.log.info('Events of group {task} enabled by remote.')
    return true
  }

  disable(): boolean {
    if (this.options.always || !this.reports.isOn) return false
    this.reports.isOn = false
    this.reports.lose()
    this.options.log.info('Events of group {task} disabled by remote.')
    return true
  }

  /**
   * A task's own event: whether task events are on or not, as in Celery. `pid` is where it runs. Rejects with
   * EncodeError: what cannot be written must not lie among what is sent again and again.
   */
  async own(type: string, fields: Fields, pid: number): Promise<void> {
    const event = makeEvent(this.#sender, type, fields, pid)
    const message = encodeEvent(event, this.options.exchange)
    if (this.reports.isOn && groupOf(type) === 'task') this.#batches?.add(event)
    else await this.#publish(message, type)
  }

  #switchOn(): void {
    const { log } = this.options
    this.#batches ??= new Batches({ publish: (events) => this.#publishAll(events), mostInOne, log })
    this.reports.isOn = true
  }

  get #software(): Fields {
    return { sw_ident: 'lovage', sw_ver: this.options.version, sw_sys: system }
  }

  #state(freq: number): Fields {
    return { freq, ...this.options.load(), loadavg: loadavg().map(round), ...this.#software }
  }

  #tell(type: string, fields: Fields): Promise<void> {
    return this.#publish(encodeEvent(makeEvent(this.#sender, type, fields), this.options.exchange), type)
  }

  /** Never rejects. */
  async #publish({ raw, routingKey }: EventMessage, type: string): Promise<void> {
    const { exchange, log, mailbox } = this.options
    try {
      await (await mailbox()).broadcast(exchange, raw, routingKey)
    } catch (error) {
      log.debug(`${type} could not be told: ${String(error)}`)
    }
  }

  async #publishAll(events: readonly [OwnEvent, ...OwnEvent[]]): Promise<void> {
    const { exchange } = this.options
    const { raw, routingKey } = encodeEvents(events, exchange)
    await (await this.options.mailbox()).broadcast(exchange, raw, routingKey)
  }
}
