// Carries results to the server that holds them, where that is another one than the broker's. The script that completes
// a task puts its result into a list beside the queues, the outbox, in the same step; any worker takes it on from there.
// One of them delivers at a time, in order: a place on the far server says who, and whoever gets it looks at the outbox
// anew. What was delivered leaves the outbox afterwards, so a courier that dies in between has it delivered again, which
// changes nothing. Workers do that all the time; a client whose call put something there sees it off, so that whoever reads
// afterwards finds it.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumerOptions } from '../runtime/consumer.js'
import type { ChordOpening } from '../runtime/publication.js'
import type { Address } from './address.js'
import { ask } from './ask.js'
import type { Keys } from './keys.js'
import { Link } from './link.js'
import { deliverWords, type FarJoin, type OutboxEntry, readEntry, unloadWords } from './outbox-entry.js'
import { scripts } from './scripts.js'
import { explain } from './trouble.js'

export interface CourierOptions {
  readonly broker: Address
  readonly results: Address
  readonly keys: Keys
  /** Results are seen off for so long. */
  readonly timeoutSeconds: number
}

/** For so long a courier that fell silent is waited for. */
const placeMs = 5000
const daySeconds = 86_400
const lookMs = 1000
const pauseMs = 250
const leaveMs = 2000
/** Who sees its results off looks so often. */
const glanceMs = 5
const enoughBytes = 1_000_000

interface Load {
  readonly name: string
  readonly taken: string
  readonly entries: readonly OutboxEntry[]
}

/** On the far server. */
interface Place {
  readonly key: string
  /** What of the outbox was counted there. */
  readonly counted: string
  readonly token: string
}

/** It keeps no process alive. */
const aside = { ref: false }

const noop = (): void => undefined

export class Courier {
  readonly #options: CourierOptions
  readonly #here: Link
  readonly #there: Link
  /** Beside them: to end a wait, and to look meanwhile. */
  readonly #bell: Link
  /** What we saw through a connection that is gone may not be so on the next one: another server may be behind it. */
  #connection = 0
  /** Ours, as far as we know. Each time with another token, so that no old call passes for a new one. */
  #place: Place | null = null
  #running: Promise<void> | null = null
  #seen: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
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
    this.#troubled = false
    for (const link of [this.#here, this.#there]) link.hold()
    this.#running = this.#run()
  }

  /** What lies there now; rejects at once where the connection is gone. */
  async read(names: readonly string[]): Promise<readonly (string | null)[]> {
    const texts = (await this.#there.send('mget', names)) as readonly (Buffer | null)[]
    return texts.map((text) => (text === null ? null : String(text)))
  }

  /** The same, for who has no time to lose: waits for that server, so long and no longer. */
  ask(names: readonly string[]): Promise<readonly (string | null)[]> {
    const { results, timeoutSeconds } = this.#options
    return ask(this.#there, results.masked, timeoutSeconds, () => this.read(names))
  }

  async keep(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#there.send('expire', [name, daySeconds])))
  }

  /** Chords whose parts are counted over there; for a day, as Celery's are. */
  async open(chords: readonly ChordOpening[], seconds: number): Promise<void> {
    const { keys, results } = this.#options
    const open = ({ groupId, size }: ChordOpening): Promise<unknown> =>
      this.#there.send('set', [keys.chord(groupId, 's'), size, 'EX', daySeconds, 'NX'])
    await ask(this.#there, results.masked, seconds, () => Promise.all(chords.map(open)))
  }

  /**
   * Resolves when all that lies in the outbox now has arrived. Carries it where nobody does. When time is up it is left to
   * whoever comes later. Who asks while somebody is seen off goes with the next.
   */
  seeOff(): Promise<void> {
    this.#next ??= this.#seen.then(() => {
      this.#next = undefined
      this.#seen = this.#seeOff()
      return this.#seen
    })
    return this.#next
  }

  async #seeOff(): Promise<void> {
    const links = [this.#here, this.#there, this.#bell]
    for (const link of links) link.hold()
    const patience = new AbortController()
    const late = sleep(this.#options.timeoutSeconds * 1000, undefined, {
      ...aside,
      signal: patience.signal,
    }).catch(noop)
    await Promise.race([this.#untilArrived(patience.signal).catch(noop), late])
    patience.abort()
    for (const link of links) link.free()
  }

  async #untilArrived(patience: AbortSignal): Promise<void> {
    await Promise.all([this.#here.whenUp(), this.#there.whenUp(), this.#bell.whenUp()])
    let { length, taken } = await this.#glance()
    for (const goal = taken + length; length > 0 && taken < goal && !patience.aborted; ) {
      if (this.#running !== null || (await this.#carry()) === 'not ours')
        await sleep(glanceMs, undefined, aside)
      ;({ length, taken } = await this.#glance())
    }
    if (this.#running === null) await this.#giveUpPlace()
  }

  /** Over the other connection: on ours somebody may be waiting. The length first: nothing that lies there is overlooked. */
  async #glance(): Promise<{ readonly length: number; readonly taken: number }> {
    const [outbox, facts] = this.#names
    const length = this.#bell.send('llen', [outbox])
    const taken = this.#bell.send('hget', [facts, 'taken'])
    return { length: Number(await length), taken: Number((await taken) ?? 0) }
  }

  /** What is left is delivered, if that does not take long. */
  async close(): Promise<void> {
    this.#stopped = true
    if (this.#running !== null) await this.#finish(this.#running)
    for (const link of [this.#here, this.#there]) link.close()
  }

  async #finish(running: Promise<void>): Promise<void> {
    if (this.#here.up) void this.#bell.send('client', ['UNBLOCK', this.#here.clientId]).catch(noop)
    await Promise.race([running, sleep(leaveMs, undefined, aside)])
    for (const link of [this.#here, this.#there]) link.free()
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
    await this.#giveUpPlace()
  }

  /** True when there was nothing to do. */
  async #round(): Promise<boolean> {
    await Promise.all([this.#here.whenUp(), this.#there.whenUp()])
    const done = await this.#carry()
    if (done === 'some') return false
    if (!this.#stopped) await (done === 'nothing' ? this.#wait() : sleep(lookMs, undefined, aside))
    return true
  }

  /** One load, or 'not ours' where somebody else carries. */
  async #carry(): Promise<'some' | 'nothing' | 'not ours'> {
    if (this.#place === null && !(await this.#takePlace())) return 'not ours'
    const connection = this.#connection
    const { name, taken, entries } = await this.#peek(enoughBytes)
    const joins = await this.#deliver(entries, taken)
    if (joins === null) {
      this.#place = null
      return 'some'
    }
    if (entries.length === 0) return 'nothing'
    const words = unloadWords(this.#options.keys, entries, joins)
    if (connection !== this.#connection) return 'some'
    await this.#here.run(scripts.unload, [2, ...this.#names, name, taken, entries.length, ...words])
    // They lie here now, or whoever else carried them has seen to it.
    const copies = joins.map(([entry]) => `${this.#options.keys.counted(name)}:${Number(taken) + entry}`)
    if (copies.length > 0) await this.#there.send('del', copies)
    return 'some'
  }

  /** Whoever comes next need not wait until it is over. */
  async #giveUpPlace(): Promise<void> {
    if (this.#place !== null) await this.#deliver([], '0', 1).catch(noop)
    this.#place = null
  }

  get #names(): readonly [string, string] {
    return [this.#options.keys.outbox, this.#options.keys.outboxFacts]
  }

  async #peek(bytes: number): Promise<Load> {
    const reply = await this.#here.run(scripts.peek, [2, ...this.#names, randomUUID(), bytes])
    const [name, taken, ...entries] = reply as readonly Buffer[]
    return { name: String(name), taken: String(taken), entries: entries.map(readEntry) }
  }

  async #takePlace(): Promise<boolean> {
    const { name } = await this.#peek(0)
    const { keys } = this.#options
    const place = { key: keys.courier(name), counted: keys.counted(name), token: randomUUID() }
    if ((await this.#there.send('set', [place.key, place.token, 'NX', 'PX', placeMs])) === null) return false
    this.#place = place
    return true
  }

  /** The chords that are complete with it; null when the place is no longer ours. */
  async #deliver(
    entries: readonly OutboxEntry[],
    taken: string,
    keepMs = placeMs,
  ): Promise<readonly FarJoin[] | null> {
    const { key, counted, token } = this.#place as Place
    const args = [2, key, counted, token, keepMs, taken, ...deliverWords(entries)]
    const reply = await this.#there.run(scripts.deliver, args)
    this.#relieve()
    if (Array.isArray(reply)) return reply as unknown as readonly FarJoin[]
    return reply === 1 ? [] : null
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
