// The claim window under a broker that answers in any order, loses leases and fails: whatever happens, no
// slot is lost or given twice, no message is forgotten, and the loop never stands still.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LeaseLost } from '../../src/errors.js'
import { silentLogger } from '../../src/log.js'
import type { Completion, Delivery, StepReply } from '../../src/runtime/consumer.js'
import { bare, type Ended } from '../../src/runtime/worker/ended.js'
import type { Hand } from '../../src/runtime/worker/hand.js'
import { Slots } from '../../src/runtime/worker/slots.js'

/** Small, seeded, good enough: mulberry32. */
const dice = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface Pending {
  readonly what: 'step' | 'wait' | 'handle' | 'join'
  readonly slots: number
  readonly lane: number
  readonly completions: readonly Completion[]
  readonly tag: string
  settle(value: unknown): void
  fail(error: Error): void
}

/** Cheap, for it is asked a million times. */
const ensure = (holds: boolean, what: () => string): void => {
  if (!holds) throw new Error(what())
}

const equal = (what: string, found: number, expected: number): void =>
  ensure(found === expected, () => `${what}: expected ${expected}, found ${found}`)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Microtasks, and what they put off to the next turn. */
const quiet = async (): Promise<void> => {
  await turn()
  await turn()
}

interface Inner {
  readonly hand: Pick<Hand, 'held' | 'busy' | 'waiting' | 'ahead'> & {
    readonly suspects: { readonly list: readonly Delivery[]; readonly alone: unknown }
  }
  readonly asked: number
  readonly claiming: boolean
  readonly listening: boolean
  readonly breath: unknown
  readonly ready: readonly Ended[]
  readonly doubtful: readonly Ended[]
  readonly freeLanes: readonly number[]
}

/** A broker and a pool whose answers come when the test says so. */
class Bench {
  readonly pending: Pending[] = []
  /** Delivered, not yet completed. */
  readonly open = new Set<string>()
  readonly completed = new Set<string>()
  readonly slots: Slots
  readonly inner: Inner
  lost = 0
  /** Nothing can be run. */
  barren = false
  /** What went back without having begun. */
  readonly returned = new Set<string>()
  /** What it said last. */
  said: 'begins' | 'rests' | undefined
  #tags = 0
  /** The last suspect's time alone. */
  #alone: unknown

  constructor(
    readonly concurrency: number,
    readonly capacity: number,
    readonly looksAhead = false,
    /** Whether this delivery went back while the loop was blocked; absent where it cannot. */
    wentBack?: () => boolean,
  ) {
    const ask = (what: Pending['what'], more: Partial<Pending>) =>
      new Promise<any>((settle, fail) => {
        const rest = { slots: 0, lane: -1, completions: [], tag: '' }
        this.pending.push({ ...rest, ...more, what, settle, fail })
      })
    const step = (lane: number, completions: readonly Completion[], slots: number): Promise<StepReply> => {
      ensure(!this.of('step').some((call) => call.lane === lane), () => `lane ${lane} is taken`)
      for (const { tag, ending } of completions) {
        ensure(
          ending.kind !== 'back' || this.returned.has(tag),
          () => `${tag} goes back, and nobody was told`,
        )
        ensure(!this.completed.has(tag), () => `${tag} is completed twice`)
        ensure(this.open.has(tag), () => `${tag} is completed, but not in hand`)
      }
      return ask('step', { lane, completions, slots })
    }
    const wait = (slots: number): Promise<readonly Delivery[]> => {
      equal('waits at once', this.of('wait').length, 0)
      return ask('wait', { slots })
    }
    const interrupt = (): void => this.of('wait').forEach((call) => this.answer(call, []))
    const gone = new Set<string>()
    const begins = (tag: string): boolean => {
      this.said = 'begins'
      if (wentBack?.()) gone.add(tag)
      return !gone.has(tag)
    }
    const handle = ({ tag, attempts }: Delivery): Promise<Ended | undefined> => {
      ensure(!gone.has(tag), () => `${tag} begins here, and went back`)
      const { alone } = this.inner.hand.suspects
      ensure(attempts >= 2 || alone === undefined, () => `${tag} begins beside a suspect`)
      ensure(alone === undefined || alone !== this.#alone, () => `${tag} begins beside another suspect`)
      this.#alone = alone
      return ask('handle', { tag })
    }
    const join = ({ completion }: Ended): Promise<Ended | undefined> => ask('join', { tag: completion.tag })
    const nothing = (): void => undefined
    const runs = { size: 0, handle, join, leave: nothing, abort: nothing, lose: nothing }
    const consumer = { lanes: 2, step, wait, interrupt }
    const reach = { mostSlots: looksAhead ? Number.POSITIVE_INFINITY : 0, isParallel: true }
    this.slots = new Slots({
      consumer,
      runs,
      concurrency,
      capacity,
      reach,
      onGivenBack: (tag) => this.returned.add(tag),
      ...(wentBack && { standby: { begins, rests: () => (this.said = 'rests') } }),
      log: silentLogger,
    })
    this.inner = this.slots as unknown as Inner
  }

  of(what: Pending['what']): readonly Pending[] {
    return this.pending.filter((each) => each.what === what)
  }

  answer(call: Pending, value: unknown): void {
    this.pending.splice(this.pending.indexOf(call), 1)
    call.settle(value)
  }

  reject(call: Pending, error: Error): void {
    this.pending.splice(this.pending.indexOf(call), 1)
    call.fail(error)
  }

  deliver(count: number, isSuspect: (n: number) => boolean = () => false): readonly Delivery[] {
    return Array.from({ length: count }, (_, n) => {
      this.#tags += 1
      const tag = String(this.#tags)
      this.open.add(tag)
      const past = isSuspect(n) ? { attempts: 2, uncertain: false } : { attempts: 0, uncertain: false }
      return {
        tag,
        queue: 'q',
        raw: Buffer.from('x'),
        redelivered: past.uncertain,
        lost: false,
        lastWorker: null,
        ...past,
      }
    })
  }

  /** The step is carried out over there, and answered. `joining`: these ends bring the last part of a chord. */
  carryOut(call: Pending, deliveries: readonly Delivery[], joining: readonly number[] = []): void {
    for (const [index, { tag }] of call.completions.entries())
      if (!joining.includes(index)) {
        this.open.delete(tag)
        this.completed.add(tag)
      }
    const joins = joining.map((completion) => ({ groupId: 'g', bodyId: 'b', members: [], completion }))
    this.answer(call, { refused: [], joins, deliveries } satisfies StepReply)
  }

  /** Everything in hand is somebody else's; whoever asks now hears of it. */
  lose(): void {
    this.lost += 1
    this.open.clear()
    for (const call of this.of('step')) this.reject(call, new LeaseLost('lost'))
    for (const call of this.of('wait')) this.answer(call, [])
    // What was begun under the old lease ends with nothing.
    this.slots.lose()
    for (const each of [...this.of('handle'), ...this.of('join')]) this.answer(each, undefined)
  }

  setBarren(barren: boolean): void {
    this.barren = barren
    this.slots.resize(barren ? 0 : this.concurrency, barren ? 0 : this.capacity)
  }

  check(): void {
    const { inner, concurrency, capacity } = this
    const { held, busy, waiting, suspects } = inner.hand
    const ahead = inner.hand.ahead.list.length
    const { asked, freeLanes } = inner
    const joining = this.of('join').length
    const steps = this.of('step')
    const inFlight = [...steps, ...this.of('wait')].reduce((sum, { slots }) => sum + slots, 0)
    equal('busy', busy, this.of('handle').length)
    equal('held', held, waiting.length + ahead + suspects.list.length + busy + joining)
    equal('asked', asked, inFlight)
    equal('lanes', freeLanes.length + steps.length, 2)
    ensure(busy <= concurrency, () => `${busy} run, at most ${concurrency} may`)
    const most = capacity + joining + (this.looksAhead ? 8 * concurrency : 0)
    ensure(held + asked <= most, () => `${held} held and ${asked} asked for, of ${most}`)
    if (ahead > 0 && !suspects.alone && suspects.list.length === 0)
      equal('running while messages wait', busy, concurrency)
    equal('waits', this.of('wait').length, inner.listening ? 1 : 0)
    // Nobody is forgotten: what is open is in somebody's hands.
    const carried = steps.reduce((sum, { completions }) => sum + completions.length, 0)
    equal('open messages', this.open.size, held + carried + inner.ready.length + inner.doubtful.length)
    // And nothing stands still.
    const canClaim =
      inner.claiming && !this.barren && suspects.list.length === 0 && !suspects.alone && !inner.breath
    if (canClaim && held < capacity && freeLanes.length > 0 && ahead === 0)
      ensure(asked > 0, () => `there is room for ${capacity - held}, and nothing is asked for`)
    if (inner.ready.length > 0)
      ensure(steps.length >= (ahead > 0 ? 1 : 2), () => `ends are waiting, and only ${steps.length} calls go`)
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** One life: a hundred random events, then a stop in the middle of everything. */
const live = async (seed: number): Promise<Bench> => {
  const roll = dice(seed)
  const concurrency = 1 + roll(8)
  const wentBack = seed % 4 === 0 ? () => roll(8) === 0 : undefined
  const bench = new Bench(concurrency, concurrency * (1 + roll(2)), seed % 2 === 0, wentBack)
  const { slots } = bench
  const isSuspect = (): boolean => roll(25) === 0
  const event = (): void => {
    const chosen = bench.pending[roll(Math.max(1, bench.pending.length))]
    const fate = roll(60)
    if (fate === 0) bench.lose()
    else if (fate === 1) vi.advanceTimersByTime(1000)
    else if (fate === 3) bench.setBarren(!bench.barren)
    else if (chosen === undefined) return
    else if (chosen.what === 'handle' || chosen.what === 'join')
      bench.answer(chosen, bare(chosen.tag, { kind: 'ack' }))
    else if (fate === 2 && bench.inner.claiming) bench.reject(chosen, new Error('no such thing'))
    else if (chosen.what === 'wait') bench.answer(chosen, bench.deliver(roll(chosen.slots + 1), isSuspect))
    else {
      const joining = chosen.completions.map((_, index) => index).filter(() => roll(10) === 0)
      bench.carryOut(chosen, bench.deliver(roll(chosen.slots + 1), isSuspect), joining)
    }
  }
  slots.start()
  for (let count = 0; count < 100; count += 1) {
    event()
    await quiet()
    bench.check()
  }
  let drained = false
  void slots.drain().then(() => {
    drained = true
  })
  for (let count = 0; count < 500 && !drained; count += 1) {
    await quiet()
    bench.check()
    if (bench.pending.length === 0) vi.advanceTimersByTime(1000)
    else event()
  }
  await quiet()
  expect(drained, 'drained').toBe(true)
  expect([...bench.open], 'still open').toEqual([])
  expect(bench.pending).toEqual([])
  return bench
}

describe('a thousand lives of a worker', () => {
  it('never lose a slot, never forget a message, and always come to an end', {
    timeout: 60_000,
  }, async () => {
    let completed = 0
    let lost = 0
    for (let seed = 1; seed <= 1000; seed += 1) {
      const bench = await live(seed).catch((error: Error) => {
        throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
      })
      completed += bench.completed.size
      lost += bench.lost
    }
    expect(completed).toBeGreaterThan(20_000)
    expect(lost).toBeGreaterThan(500)
  })
})

describe('the claim window', () => {
  const started = async (concurrency: number, capacity = concurrency): Promise<Bench> => {
    const bench = new Bench(concurrency, capacity)
    bench.slots.start()
    await quiet()
    return bench
  }
  const asked = (bench: Bench) => bench.of('step').map(({ slots }) => slots)
  const first = (bench: Bench, what: Pending['what']): Pending => bench.of(what)[0] as Pending

  it('asks on both lanes for half the slots each, and by one call where there are few', async () => {
    expect(asked(await started(10))).toEqual([5, 5])
    expect(asked(await started(3))).toEqual([3])
  })

  it('takes nothing while nothing can be run: what has not begun goes back, also what comes late', async () => {
    const bench = await started(2, 6)
    bench.carryOut(first(bench, 'step'), bench.deliver(3))
    const late = first(bench, 'step')
    await quiet()
    bench.setBarren(true)
    bench.carryOut(
      late,
      bench.deliver(3, (n) => n === 2),
    )
    for (let calls = 0; calls < 5; calls += 1) {
      await quiet()
      for (const call of bench.of('step')) {
        expect([call.slots, call.completions.map(({ ending }) => ending.kind)]).toEqual([
          0,
          call.completions.map(() => 'back'),
        ])
        bench.carryOut(call, [])
      }
    }
    const begun = bench.of('handle').map(({ tag }) => tag)
    expect([...bench.open]).toEqual(begun)
    expect(bench.of('wait')).toEqual([])
    expect(bench.slots.load.isFull).toBe(false)
    bench.setBarren(false)
    await quiet()
    expect(asked(bench).reduce((sum, slots) => sum + slots, 0)).toBe(6 - begun.length)
  })

  it('waits for work in an empty queue with all the slots that are free', async () => {
    const bench = await started(4)
    for (const call of bench.of('step')) bench.carryOut(call, [])
    await quiet()
    expect([asked(bench), first(bench, 'wait').slots]).toEqual([[], 4])
  })

  it('asks with an end for the slot that it frees, so that the next step of a chain costs one call', async () => {
    const bench = await started(4)
    for (const call of bench.of('step')) bench.carryOut(call, [])
    await quiet()
    bench.answer(first(bench, 'wait'), bench.deliver(1))
    await quiet()
    expect([bench.of('step'), first(bench, 'wait').slots]).toEqual([[], 3])
    bench.answer(first(bench, 'handle'), bare('1', { kind: 'ack' }))
    await quiet()
    expect(bench.of('step')).toMatchObject([{ slots: 1, completions: [{ tag: '1' }] }])
  })

  it('takes the next step of a chain for no sign of more work: a chain of n steps is n calls', async () => {
    const bench = await started(4)
    for (const call of bench.of('step')) bench.carryOut(call, [])
    await quiet()
    bench.answer(first(bench, 'wait'), bench.deliver(1))
    await quiet()
    for (let n = 1; n <= 5; n += 1) {
      const { completion } = bare(String(n), { kind: 'ack' })
      const pushes = [{ queue: 'q', priority: 0, raw: 'next' }]
      bench.answer(first(bench, 'handle'), { completion: { ...completion, pushes }, held: undefined })
      await quiet()
      expect(asked(bench)).toEqual([1])
      bench.carryOut(first(bench, 'step'), bench.deliver(1))
      await quiet()
      expect([bench.of('step'), first(bench, 'wait').slots]).toEqual([[], 3])
    }
  })

  it('sends what ends together as one call', async () => {
    const bench = await started(10)
    for (const call of bench.of('step')) bench.carryOut(call, bench.deliver(5))
    await quiet()
    for (const each of bench.of('handle')) bench.answer(each, bare(each.tag, { kind: 'ack' }))
    await quiet()
    expect(bench.of('step').map(({ completions, slots }) => [completions.length, slots])).toEqual([
      [10, 5],
      [0, 5],
    ])
  })

  it('holds more than it runs only where it may fetch ahead', async () => {
    const bench = await started(2, 6)
    for (const call of bench.of('step')) bench.carryOut(call, bench.deliver(3))
    await quiet()
    expect([bench.of('handle').length, bench.inner.hand.waiting.length]).toEqual([2, 4])
  })

  describe('where it looks ahead', () => {
    const quick = async (): Promise<Bench> => {
      const bench = new Bench(2, 2, true)
      for (let count = 0; count < 100; count += 1) bench.inner.hand.ahead.ended(0)
      bench.slots.start()
      await quiet()
      const { slots } = first(bench, 'step')
      expect(slots).toBeGreaterThan(2)
      bench.carryOut(first(bench, 'step'), bench.deliver(slots))
      await quiet()
      expect(bench.of('handle').map(({ tag }) => tag)).toEqual(['1', '2'])
      return bench
    }

    it('begins what waits in the turn in which a slot is free', async () => {
      const bench = await quick()
      bench.answer(first(bench, 'handle'), bare('1', { kind: 'ack' }))
      await quiet()
      expect(bench.of('handle').map(({ tag }) => tag)).toEqual(['2', '3'])
    })

    it('gives back what waits for longer than a moment, the oldest last, and holds no more than it runs', async () => {
      const bench = await quick()
      const waiting = bench.inner.hand.ahead.list.map(({ tag }) => tag)
      for (const call of bench.of('step')) bench.carryOut(call, [])
      vi.advanceTimersByTime(10)
      await quiet()
      expect(bench.of('step')).toMatchObject([{ slots: 0 }])
      expect(first(bench, 'step').completions).toMatchObject(
        waiting.reverse().map((tag) => ({ tag, ending: { kind: 'back' } })),
      )
      bench.carryOut(first(bench, 'step'), [])
      await quiet()
      expect([bench.inner.hand.held, bench.of('step')]).toEqual([2, []])
    })

    it('gives nothing back while one after the other begins', async () => {
      const bench = await quick()
      for (let count = 0; count < 5; count += 1) {
        const call = first(bench, 'handle')
        bench.answer(call, bare(call.tag, { kind: 'ack' }))
        await quiet()
        vi.advanceTimersByTime(10)
        await quiet()
      }
      expect(bench.of('handle').map(({ tag }) => tag)).toEqual(['6', '7'])
      expect(bench.inner.hand.ahead.list.length).toBeGreaterThan(0)
    })

    it('tells, after the turn in which something began, whether a slot is free', async () => {
      const bench = new Bench(2, 2, true, () => false)
      bench.slots.start()
      await quiet()
      bench.carryOut(first(bench, 'step'), bench.deliver(1))
      await quiet()
      expect([bench.inner.hand.busy, bench.said]).toEqual([1, 'rests'])
      bench.answer(first(bench, 'wait'), bench.deliver(1))
      await quiet()
      expect([bench.inner.hand.busy, bench.said]).toEqual([2, 'begins'])
    })

    it('gives back what it held ahead when it stops', async () => {
      const bench = await quick()
      void bench.slots.drain()
      await quiet()
      expect(bench.inner.hand.ahead.list).toEqual([])
      bench.check()
    })
  })

  describe('with a message that killed its workers', () => {
    const suspicious = async (running: number): Promise<Bench> => {
      const bench = await started(4)
      const [one, two] = bench.of('step') as [Pending, Pending]
      bench.carryOut(one, bench.deliver(running))
      await quiet()
      bench.carryOut(
        two,
        bench.deliver(2, (n) => n === 0),
      )
      await quiet()
      return bench
    }
    const began = (bench: Bench) => bench.of('handle').map(({ tag }) => tag)

    it('lets it begin alone: what runs ends first, and nothing begins beside it', async () => {
      const bench = await suspicious(1)
      expect(began(bench)).toEqual(['1'])
      bench.answer(first(bench, 'handle'), bare('1', { kind: 'ack' }))
      await quiet()
      expect([began(bench), asked(bench)]).toEqual([['2'], [0]])
      bench.answer(first(bench, 'handle'), bare('2', { kind: 'ack' }))
      await quiet()
      expect(began(bench)).toEqual(['3'])
    })

    it('goes on when it has run for a while: a killer kills soon', async () => {
      const bench = await suspicious(0)
      expect(began(bench)).toEqual(['1'])
      vi.advanceTimersByTime(4999)
      await quiet()
      expect(began(bench)).toEqual(['1'])
      vi.advanceTimersByTime(1)
      await quiet()
      expect(began(bench)).toEqual(['1', '2'])
      expect(asked(bench).length).toBeGreaterThan(0)
    })

    it('does not wait for ever for what runs', async () => {
      const bench = await suspicious(1)
      vi.advanceTimersByTime(5000)
      await quiet()
      expect(began(bench)).toEqual(['1', '2'])
    })
  })

  it('gives the turn to others when answers come without waiting', async () => {
    const bench = await started(4)
    // A consumer that is gone answers at once, for ever.
    const step = vi.fn(() => Promise.reject(new LeaseLost('gone')))
    const consumer = (bench.slots as unknown as { options: { consumer: { step: unknown } } }).options.consumer
    consumer.step = step
    for (const call of bench.of('step')) bench.reject(call, new LeaseLost('gone'))
    await quiet()
    await quiet()
    expect(step.mock.calls.length).toBeGreaterThan(1)
    expect(step.mock.calls.length).toBeLessThan(50)
    void bench.slots.drain()
  })

  it('after a fault tries each end by itself after a breath, so that one cannot hold up the others', async () => {
    const bench = await started(3)
    bench.carryOut(first(bench, 'step'), bench.deliver(3))
    await quiet()
    for (const each of bench.of('handle')) bench.answer(each, bare(each.tag, { kind: 'ack' }))
    await quiet()
    bench.reject(first(bench, 'step'), new TypeError('a fault'))
    await quiet()
    expect(bench.of('step')).toEqual([])
    vi.advanceTimersByTime(1000)
    await quiet()
    expect(bench.of('step').map(({ completions }) => completions.map(({ tag }) => tag))).toEqual([
      ['1'],
      ['2'],
    ])
    bench.reject(first(bench, 'step'), new TypeError('it is this one'))
    bench.carryOut(first(bench, 'step'), [])
    await quiet()
    vi.advanceTimersByTime(1000)
    await quiet()
    const tags = bench.of('step').flatMap(({ completions }) => completions.map(({ tag }) => tag))
    expect(tags.sort()).toEqual(['1', '3'])
  })

  it('does not wait for a hopeless end when it stops', async () => {
    const bench = await started(1)
    bench.carryOut(first(bench, 'step'), bench.deliver(1))
    await quiet()
    const drained = bench.slots.drain()
    bench.answer(first(bench, 'handle'), bare('1', { kind: 'ack' }))
    await quiet()
    bench.reject(first(bench, 'step'), new TypeError('a fault'))
    await quiet()
    await drained
    expect(bench.inner.doubtful).toEqual([])
  })
})
