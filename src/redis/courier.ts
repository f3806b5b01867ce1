// Carries results to the server that holds them, where that is another one than the broker's. The script that completes
// a task puts its result into a list beside the queues, the outbox, in the same step; any worker takes it on from there.
// One of them delivers at a time, in order: a place on the far server says who, and whoever gets it looks at the outbox
// anew. What was delivered leaves the outbox afterwards, so a courier that dies in between has it delivered again, which
// changes nothing.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumerOptions } from '../runtime/consumer.js'
import type { Address } from './address.js'
import type { Keys } from './keys.js'
import { Link } from './link.js'
import { scripts } from './scripts.js'
import { explain } from './trouble.js'

export interface CourierOptions {
  readonly broker: Address
  readonly results: Address
  readonly keys: Keys
}

/** For so long a courier that fell silent is waited for. */
const placeMs = 5000
const lookMs = 1000
const pauseMs = 250
const leaveMs = 2000
const enoughBytes = 1_000_000

interface Load {
  readonly name: string
  readonly taken: string
  readonly entries: readonly Buffer[]
}

/** On the far server. */
interface Place {
  readonly key: string
  readonly token: string
}

/** `<seconds> <bytes of the key> <key><text>` → what the script that delivers is told. */
const wordsOf = (entry: Buffer): readonly (Buffer | string)[] => {
  const first = entry.indexOf(' ')
  const second = entry.indexOf(' ', first + 1)
  const from = second + 1
  const to = from + Number(entry.toString('latin1', first + 1, second))
  return [entry.subarray(from, to), entry.toString('latin1', 0, first), entry.subarray(to)]
}

/** It keeps no process alive. */
const aside = { ref: false }

const noop = (): void => undefined

export class Courier {
  readonly #options: CourierOptions
  readonly #here: Link
  readonly #there: Link
  /** Beside them, to end a wait. */
  readonly #bell: Link
  /** What we saw through a connection that is gone may not be so on the next one: another server may be behind it. */
  #connection = 0
  /** Ours, as far as we know. Each time with another token, so that no old call passes for a new one. */
  #place: Place | null = null
  #running: Promise<void> | null = null
  #stopped = false
  #troubled = false
  #onTrouble: ConsumerOptions['onTrouble'] = noop

  constructor(options: CourierOptions, bell: Link) {
    const { broker, results } = options
    this.#options = options
    this.#bell = bell
    this.#here = new Link(
      { address: broker, name: 'lovage-courier', scripts: [scripts.peek, scripts.unload] },
      {
        onDown: (error) => {
          this.#connection++
          this.#complain(broker, error)
        },
      },
    )
    this.#there = new Link(
      { address: results, name: 'lovage-courier', scripts: [scripts.deliver] },
      { onDown: (error) => this.#complain(results, error) },
    )
  }

  /** Tells the first who starts it of its troubles. */
  start(onTrouble: ConsumerOptions['onTrouble']): void {
    if (this.#running !== null) return
    this.#onTrouble = onTrouble
    for (const link of [this.#here, this.#there]) link.hold()
    this.#running = this.#run()
  }

  /** What lies there now; rejects at once where the connection is gone. */
  readonly read = async (names: readonly string[]): Promise<readonly (string | null)[]> => {
    const texts = (await this.#there.send('mget', names)) as readonly (Buffer | null)[]
    return texts.map((text) => (text === null ? null : String(text)))
  }

  /** What is left is delivered, if that does not take long. */
  async close(): Promise<void> {
    if (this.#running === null) return
    this.#stopped = true
    if (this.#here.up) void this.#bell.send('client', ['UNBLOCK', this.#here.clientId]).catch(noop)
    await Promise.race([this.#running, sleep(leaveMs, undefined, aside)])
    for (const link of [this.#here, this.#there]) {
      link.free()
      link.close()
    }
  }

  async #run(): Promise<void> {
    while (!this.#here.closed) {
      try {
        const isEmpty = await this.#round()
        if (isEmpty && this.#stopped) break
      } catch (error) {
        if (this.#stopped) break
        this.#complain(this.#here.up ? this.#options.results : this.#options.broker, error)
        await sleep(pauseMs, undefined, aside)
      }
    }
    if (this.#place !== null) await this.#deliver([], 1).catch(noop)
  }

  /** True when there was nothing to do. */
  async #round(): Promise<boolean> {
    await Promise.all([this.#here.whenUp(), this.#there.whenUp()])
    if (this.#place === null && !(await this.#takePlace())) {
      if (!this.#stopped) await sleep(lookMs, undefined, aside)
      return true
    }
    const connection = this.#connection
    const { name, taken, entries } = await this.#peek(enoughBytes)
    if (!(await this.#deliver(entries))) {
      this.#place = null
      return false
    }
    if (entries.length === 0) {
      if (!this.#stopped) await this.#wait()
      return true
    }
    if (connection === this.#connection)
      await this.#here.run(scripts.unload, [2, ...this.#names, name, taken, entries.length])
    return false
  }

  get #names(): readonly [string, string] {
    return [this.#options.keys.outbox, this.#options.keys.outboxFacts]
  }

  async #peek(bytes: number): Promise<Load> {
    const reply = await this.#here.run(scripts.peek, [2, ...this.#names, randomUUID(), bytes])
    const [name, taken, ...entries] = reply as readonly Buffer[]
    return { name: String(name), taken: String(taken), entries }
  }

  async #takePlace(): Promise<boolean> {
    const { name } = await this.#peek(0)
    const place = { key: this.#options.keys.courier(name), token: randomUUID() }
    if ((await this.#there.send('set', [place.key, place.token, 'NX', 'PX', placeMs])) === null) return false
    this.#place = place
    return true
  }

  /** False when the place is no longer ours. */
  async #deliver(entries: readonly Buffer[], keepMs = placeMs): Promise<boolean> {
    const { key, token } = this.#place as Place
    const words = entries.flatMap(wordsOf)
    const reply = await this.#there.run(scripts.deliver, [1, key, token, keepMs, ...words])
    this.#relieve()
    return reply === 1
  }

  /** Until there is something; the list stays as it is. */
  async #wait(): Promise<void> {
    const { outbox } = this.#options.keys
    await this.#here.send('blmove', [outbox, outbox, 'LEFT', 'LEFT', lookMs / 1000])
  }

  #complain({ masked }: Address, error: unknown): void {
    if (this.#troubled || this.#stopped) return
    this.#troubled = true
    this.#onTrouble({ ok: false, message: `Results wait in the broker: ${explain(masked, error)}` })
  }

  #relieve(): void {
    if (!this.#troubled) return
    this.#troubled = false
    this.#onTrouble({ ok: true, message: `Results are delivered to ${this.#options.results.masked} again.` })
  }
}
