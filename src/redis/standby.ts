// Messages on standby: claimed ahead by a worker whose own event loop runs its tasks. While a task blocks that loop
// nothing here could give them back, so the thread that renews the lease does it (lease-thread.ts): one of the two
// has each message. They agree by one word of shared memory, which each changes by compare-and-exchange: this
// side with each message that begins, the thread when it sees the same word for too long.
//
// Messages are known by the number in their tag. Numbers only grow, and what begins does so in their order as a rule: all
// that lies between the highest that has begun and the highest that was asked for has not begun, and may go back.

const blockedMs = 30
/** After so long without a change nobody looks any more, until something begins again. */
const quietMs = 1000

const given = 1
const busy = 2
const step = 4

/** Places of the words and of the numbers. */
const word = 0
const watched = 1
const begun = 1
const asked = 2
const from = 3
const upTo = 4

class Shared {
  readonly words: Int32Array
  readonly numbers: BigInt64Array

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, 2)
    this.numbers = new BigInt64Array(buffer)
  }

  put(place: number, number: number): void {
    Atomics.store(this.numbers, place, BigInt(number))
  }

  get(place: number): number {
    return Number(Atomics.load(this.numbers, place))
  }
}

/** Numbers of messages, above `from` and not above `upTo`. */
export interface Range {
  readonly from: number
  readonly upTo: number
}

/** Of the loop that runs the tasks. */
export class Standby {
  readonly buffer = new SharedArrayBuffer(5 * BigInt64Array.BYTES_PER_ELEMENT)
  private readonly shared = new Shared(this.buffer)
  private highest = 0
  private isBusy = false
  /** What went back, as one range: what it takes in beyond that has begun long ago, or goes back as well. */
  private gone: Range = { from: Number.POSITIVE_INFINITY, upTo: -1 }

  /** `wake` has the thread look again. */
  constructor(private readonly wake: () => void) {
    Atomics.store(this.shared.words, watched, 1)
  }

  /** A request goes out, whose messages get numbers up to this one. */
  request(number: number): void {
    this.shared.put(asked, number)
  }

  /** False: it went back, or is about to. */
  begins(number: number): boolean {
    for (;;) {
      if (number > this.gone.from && number <= this.gone.upTo) return false
      if (!this.move(Math.max(this.highest, number), busy)) continue
      if (Atomics.load(this.shared.words, watched) === 0) {
        Atomics.store(this.shared.words, watched, 1)
        this.wake()
      }
      return true
    }
  }

  /** The loop turns, and nothing waits for what runs to end. */
  rests(): void {
    if (this.isBusy) this.move(this.highest, 0)
  }

  /** False: the thread was first. */
  private move(highest: number, state: number): boolean {
    const { words } = this.shared
    const before = Atomics.load(words, word)
    if ((before & given) !== 0) {
      this.hear(before)
      return false
    }
    const after = ((before & ~busy) + step) | state
    // Before the word: who reads it too early gives back less.
    this.shared.put(begun, highest)
    if (Atomics.compareExchange(words, word, before, after | 0) !== before) return false
    this.highest = highest
    this.isBusy = state === busy
    return true
  }

  /** What went back never begins here. The thread waits for this. */
  private hear(before: number): void {
    const { from: low, upTo: high } = this.gone
    this.gone = {
      from: Math.min(low, this.shared.get(from)),
      upTo: Math.max(high, this.shared.get(upTo)),
    }
    this.isBusy = false
    Atomics.store(this.shared.words, word, ((before & ~(given | busy)) + step) | 0)
  }
}

/** Of the thread that can act while the loop cannot. */
export class StandbyWatch {
  private readonly shared: Shared
  private seen = -1
  private sinceMs = 0

  /** `patienceMs`: a loop that has begun nothing else for so long is blocked, or its task is not a quick one. */
  constructor(
    buffer: SharedArrayBuffer,
    private readonly patienceMs = blockedMs,
  ) {
    this.shared = new Shared(buffer)
  }

  /** What goes back now. */
  look(nowMs: number): Range | undefined {
    const { words } = this.shared
    const now = Atomics.load(words, word)
    if (now !== this.seen) {
      this.seen = now
      this.sinceMs = nowMs
      return undefined
    }
    if ((now & given) !== 0 || (now & busy) === 0 || nowMs - this.sinceMs < this.patienceMs) return undefined
    const range = { from: this.shared.get(begun), upTo: this.shared.get(asked) }
    if (range.upTo <= range.from) return undefined
    this.shared.put(from, range.from)
    this.shared.put(upTo, range.upTo)
    if (Atomics.compareExchange(words, word, now, now | given) !== now) return undefined
    return range
  }

  /** Nothing has happened for long: true when nobody need look any more. */
  rests(nowMs: number): boolean {
    if (nowMs - this.sinceMs < quietMs) return false
    Atomics.store(this.shared.words, watched, 0)
    // It may have begun something in this moment, and have seen that somebody looks.
    if (Atomics.load(this.shared.words, word) === this.seen) return true
    Atomics.store(this.shared.words, watched, 1)
    return false
  }
}
