// One sequence, played on both sides: workers that know what they were told and nothing else. After each operation
// the replies of the two sides are compared, and all that lies there.
import { transition } from '../../../src/memory/engine.js'
import type { Kind, OperationOf, Operations, ReplyTo } from '../../../src/memory/operations.js'
import { apply, emptyState } from '../../../src/memory/state.js'
import { operation } from '../../memory/play.js'
import { jump } from './clock.js'
import type { Command, End, Sequence } from './commands.js'
import { completionOf, type Hand } from './ends.js'
import { engineView } from './engine-view.js'
import {
  chordOf,
  fenceOf,
  gateOf,
  idOf,
  partsOf,
  pushOf,
  queues,
  readSpec,
  resultOf,
  specOf,
} from './messages.js'
import type { OverRedis } from './over-redis.js'
import { readAll, redisView } from './redis-view.js'
import { moments, revokeUnits, unitMs, type View, written } from './view.js'

interface Worker {
  id: string
  hands: Hand[]
  /** The next request's number. */
  request: number
  /** By lane: a step whose answer did not come. */
  readonly unanswered: Map<number, OperationOf<'step'>>
}

/** What was said to whoever listens: results, and what all are told. */
export interface Heard {
  readonly results: string[]
  readonly broadcasts: string[]
}

const waitLane = 2
const pullLane = 4

export class Contest {
  readonly #state = emptyState()
  readonly #startMs = Date.now()
  /** How far the clock has jumped. */
  #jumpedMs = 0
  #counter = 0
  /** Numbers of senders are forgotten after a day. */
  #day = 0
  readonly #workers: Worker[] = []
  readonly #sent: { readonly queue: string; readonly priority: number; readonly raw: string }[] = []
  readonly #steps: OperationOf<'step'>[] = []
  #chords = 0
  readonly #closed = new Set<string>()
  /** By the engine. */
  readonly said: Heard = { results: [], broadcasts: [] }

  constructor(
    readonly redis: OverRedis,
    readonly gated: boolean,
  ) {}

  static async play({ gated, commands }: Sequence, redis: OverRedis): Promise<Contest> {
    const contest = new Contest(redis, gated)
    for (let index = 0; index < 3; index++) contest.#workers.push(await contest.#register())
    for (const command of commands) await contest.#play(command)
    return contest
  }

  get #nowMs(): number {
    return this.#startMs + this.#jumpedMs
  }

  // -------------------------------------------------------------------------------------------------
  // Both sides

  async #both<K extends Kind>(
    kind: K,
    asked: Operations[K]['asked'],
    { arrives = true, compare = (reply: ReplyTo<K>): unknown => reply } = {},
  ): Promise<ReplyTo<K>> {
    const asking = operation(kind, asked, this.#nowMs)
    const there = this.redis.send(asking, { arrives })
    const { changes, reply, announced, broadcast } = transition(this.#state, asking)
    apply(this.#state, changes)
    for (const { taskId, text } of announced) this.said.results.push(`${taskId} ${text}`)
    for (const { exchange, raw } of broadcast) this.said.broadcasts.push(`${exchange} ${raw}`)
    const replies = [reply, await there].map((each) => written(compare(each)))
    if (replies[0] !== replies[1])
      throw new Error(`${written(asking)}\nengine answers ${replies[0]}\nredis answers  ${replies[1]}`)
    await this.#look(written(asking))
    return reply
  }

  async #look(after: string): Promise<void> {
    const { keys, databases, link } = this.redis
    const here = engineView(this.#state, moments(this.#startMs, this.#nowMs))
    const reply = await readAll(link, databases)
    const there = redisView(reply, keys, moments(this.#startMs, this.#nowMs, this.#jumpedMs))
    for (const view of [here, there])
      for (const name of Object.keys(view)) if (isPast(name, this.#day)) delete view[name]
    if (written(here) !== written(there)) throw new Error(`after ${after}\n${differences(here, there)}`)
  }

  async #jump(units: number): Promise<void> {
    const { link, keys, databases } = this.redis
    this.#jumpedMs += units * unitMs
    this.redis.behindMs = this.#jumpedMs
    if (units > 864) this.#day++
    await jump(link, keys, databases, units * unitMs)
    await this.#look(`a jump of ${units} units`)
  }

  // -------------------------------------------------------------------------------------------------
  // Workers

  /**
   * No two moments of the same kind are the same: which comes first is chance then, on either side. And none is near
   * to a whole number of units from now: a Redis runs on while a sequence is played.
   */
  readonly #world = {
    due: (units: number): number => this.#nowMs + (units - 4.75) * unitMs + ++this.#counter,
    newChord: (): number => ++this.#chords,
    isOver: (chord: number): boolean => this.#closed.has(chordOf(chord).bodyId),
  }

  #lease(): number {
    return (50 + ++this.#counter) * unitMs
  }

  async #register(): Promise<Worker> {
    const id = `c${++this.#counter}`
    await this.#both('register', {
      consumer: id,
      hostname: `${id}@host`,
      queues,
      leaseMs: this.#lease(),
      deadLetterMax: 3,
      deadLetterExpires: (50 * unitMs) / 1000,
      gated: this.gated,
    })
    return { id, hands: [], request: 1, unanswered: new Map() }
  }

  /** It comes back under another name, with nothing. */
  async #startAgain(worker: Worker): Promise<void> {
    Object.assign(worker, await this.#register())
  }

  async #step(
    worker: Worker,
    asked: Pick<OperationOf<'step'>, 'lane' | 'slots' | 'queues'> & { readonly parkedFor?: string },
    ends: readonly End[] = [],
    isLost = false,
  ): Promise<void> {
    const open = worker.hands.filter(({ phase }) => phase !== 'sent')
    // Of two messages of one task in one step, either may count.
    const chosen = ends.flatMap((end) => at(open, end.pick).map((hand) => ({ hand, end })))
    const byId = new Map(chosen.map((each) => [each.hand.spec.id, each]))
    const hands = new Map([...byId.values()].map(({ hand, end }) => [hand, end]))
    // (Letters of one moment have no order.)
    let isBuried = false
    const completions = [...hands].map(([hand, end]) => {
      const completion = completionOf(
        this.#world,
        hand,
        isBuried && end.way === 'dead' ? { ...end, way: 'back' } : end,
      )
      isBuried ||= completion.ending.kind === 'dead'
      for (const { bodyId } of completion.joined ?? []) this.#closed.add(bodyId)
      return completion
    })
    // What goes back to a queue's end and what is sent there in the same step: either may be first.
    completions.sort((a, b) => Number(b.ending.kind === 'requeue') - Number(a.ending.kind === 'requeue'))
    if (isBuried) await this.#jump(1)
    const step = { ...asked, consumer: worker.id, request: worker.request, completions }
    worker.request += asked.slots + 1
    for (const hand of hands.keys()) hand.phase = 'sent'
    const asking = operation('step', step, this.#nowMs)
    this.#steps.push(asking)
    worker.unanswered.set(asked.lane, asking)
    for (const { pushes } of completions) this.#sent.push(...pushes.filter(({ queue }) => queue !== ''))
    if (!isLost) await this.#answered(worker, asking)
    else await this.#both('step', step, { arrives: false, compare: inOrder })
  }

  async #answered(worker: Worker, step: OperationOf<'step'>): Promise<void> {
    const reply = await this.#both('step', step, { compare: inOrder })
    worker.unanswered.delete(step.lane)
    if (reply.kind !== 'done') return this.#startAgain(worker)
    const tags = step.completions.map(({ tag }) => tag)
    worker.hands = worker.hands.flatMap((hand): Hand[] => {
      const place = tags.indexOf(hand.tag)
      if (place === -1) return [hand]
      const own = reply.joins.filter(({ completion }) => completion === place)
      const joins = own.filter(({ members }) => members.length > 0)
      return own.length === 0 ? [] : [{ ...hand, phase: 'ready', joins, isOver: joins.length === 0 }]
    })
    for (const { tag, raw, attempts, uncertain } of reply.deliveries)
      worker.hands.push({
        tag,
        spec: readSpec(raw),
        phase: attempts > 0 || uncertain ? 'new' : 'ready',
        joins: [],
        isOver: false,
        noted: false,
        released: false,
      })
  }

  /** A call about one delivery; where its answer is lost, the same call again. */
  async #about<K extends 'note' | 'admit' | 'release' | 'store'>(
    kind: K,
    asked: Operations[K]['asked'],
    isLost = false,
  ): Promise<ReplyTo<K>> {
    if (isLost) await this.#both(kind, asked, { arrives: false })
    return this.#both(kind, asked)
  }

  // -------------------------------------------------------------------------------------------------
  // What happens

  async #play(command: Command): Promise<void> {
    switch (command.kind) {
      case 'publish': {
        const sender = `s${command.sender}.${this.#day}`
        const pushes = command.tasks.map((number) => ({
          ...pushOf(number, specOf(number)),
          ...(number % 5 === 0 && { dueMs: this.#world.due(number % 16) }),
        }))
        this.#sent.push(...pushes)
        return this.#publish({ pushes, chords: [] }, sender, command.again)
      }
      case 'chord': {
        const numbers = command.two
          ? [this.#world.newChord(), this.#world.newChord()]
          : [this.#world.newChord()]
        const pushes = command.tasks.map((number, i) =>
          // The last may go to the end, wherever that is.
          pushOf(
            number,
            specOf(
              number,
              numbers.map((chord) => [chord, i === 2 ? null : i] as const),
            ),
          ),
        )
        const size = new Set(command.tasks.map(idOf)).size
        this.#sent.push(...pushes)
        const chords = numbers.map((chord) => ({ ...chordOf(chord), size }))
        return this.#publish({ pushes, chords }, `s0.${this.#day}`, false)
      }
      case 'twins':
        return this.#twins(command.task, command.first)
      case 'duplicate':
        for (const sent of at(this.#sent, command.pick))
          await this.#publish({ pushes: [sent], chords: [] }, `s1.${this.#day}`, false)
        return
      case 'copy':
        // Its answer goes to nobody: what it does is what counts.
        for (const step of at(this.#steps, this.#steps.length - 1 - command.pick))
          await this.#both('step', step, { arrives: false, compare: ({ kind }) => kind })
        return
      case 'reap': {
        while ((await this.#both('reap', {})).consumer !== null);
        return
      }
      case 'promote': {
        const queue = queues[command.queue] as string
        const due = { queue, most: command.most }
        await this.#promote(due)
        return
      }
      case 'permit': {
        const pace = { intervalMs: 10 * unitMs, slackMs: command.task * 20 * unitMs }
        await this.#both(
          'permit',
          { task: `t${command.task}`, pace, wanted: command.wanted },
          { compare: ({ granted, nextInMs }) => [granted, Math.round(nextInMs / unitMs)] },
        )
        return
      }
      case 'revoke': {
        await this.#jump(1)
        const ids = [...command.ids].sort((a, b) => a - b).map(idOf)
        const stamps = [...command.stamps]
          .sort((a, b) => a - b)
          .map((number) => ['customer', `"c${number}"`] as const)
        const results = ids.map((id) => resultOf(id, 'REVOKED', 1000))
        await this.#both('revoke', { ids, stamps, results, most: 3, seconds: (revokeUnits * unitMs) / 1000 })
        return
      }
      case 'purge':
        await this.#both('purge', { queue: queues[command.queue] as string })
        return
      case 'revive': {
        for (const { id, raw } of at(this.#letters(), command.pick)) {
          const spec = readSpec(raw)
          const parts = partsOf(spec, '').map(({ groupId, bodyId, taskId }) => ({ groupId, bodyId, taskId }))
          await this.#both('revive', { id, fences: [fenceOf(spec)], taskIds: [spec.id], parts })
        }
        return
      }
      case 'purgeDead': {
        const { picks } = command
        const named = picks?.flatMap((pick) => at(this.#letters(), pick)).map(({ id }) => id)
        await this.#both('purgeDead', named === undefined ? {} : { ids: named })
        return
      }
      case 'recall': {
        const pages = [0, 1, 2].flatMap((page) => ['graph0', 'graph1'].map((graph) => ({ graph, page })))
        await this.#both('recall', { pages })
        return
      }
      case 'jump':
        return this.#jump(command.units)
      default:
        return this.#work(this.#workers[command.worker] as Worker, command)
    }
  }

  /** The only header message of a chord is sent twice: two hold it when it counts, and each has its body to send. */
  async #twins(task: number, first: number): Promise<void> {
    const number = (task & 63) | 448
    const chord = this.#world.newChord()
    const twin = pushOf(number, specOf(number, [[chord, 0]]))
    const opening = { ...chordOf(chord), size: 1 }
    const holders: { readonly worker: Worker; readonly hand: Hand }[] = []
    for (const place of [0, 1]) {
      const chords = place === 0 ? [opening] : []
      await this.#publish({ pushes: [twin], chords }, `s${place}.${this.#day}`, false)
      const worker = this.#workers[(first + place) % this.#workers.length] as Worker
      await this.#step(worker, { lane: waitLane, slots: 16, queues })
      const hand = worker.hands.find(({ spec }) => spec.seats[0]?.[0] === chord)
      if (hand?.phase === 'ready') holders.push({ worker, hand })
    }
    const [one, other] = holders
    if (one === undefined || other === undefined) return
    const end = ({ worker, hand }: typeof one): Promise<void> => {
      const open = worker.hands.filter(({ phase }) => phase !== 'sent')
      const pick = open.findIndex(({ tag }) => tag === hand.tag)
      if (pick === -1) return Promise.resolve()
      const how: End = { pick, way: 'success', edges: 0, next: 0, expires: 10 }
      return this.#step(worker, { lane: waitLane, slots: 0, queues }, [how])
    }
    await end(one)
    await this.#handle(other.worker, other.hand, { kind: 'note', worker: 0, pick: 0, lost: false })
    await end(other)
    await end(one)
  }

  async #work(worker: Worker, command: Extract<Command, { readonly worker: number }>): Promise<void> {
    const consumer = worker.id
    switch (command.kind) {
      case 'step': {
        const { lane, slots, turn, ends, lost } = command
        if (worker.unanswered.has(lane)) return
        return this.#step(worker, { lane, slots, queues: turn ? [...queues].reverse() : queues }, ends, lost)
      }
      case 'repeat': {
        const before = this.#steps.filter(
          (step) => step.consumer === worker.id && step.completions.length > 0,
        )
        const held = new Set(worker.hands.map(({ tag }) => tag))
        const again = at(before, command.pick).flatMap(({ completions }) => completions)
        const completions = again.filter(({ tag }) => !held.has(tag))
        if (completions.length === 0 || worker.unanswered.has(command.lane)) return
        const { request } = worker
        worker.request += 1
        const asked = { consumer, lane: command.lane, request, completions, slots: 0, queues }
        const reply = await this.#both('step', asked, { compare: inOrder })
        return reply.kind === 'done' ? undefined : this.#startAgain(worker)
      }
      case 'wait':
        return this.#step(worker, { lane: waitLane, slots: command.slots, queues })
      case 'pull': {
        const asked = { queues: [queues[command.queue] as string], parkedFor: `t${command.task}` }
        return this.#step(worker, { lane: pullLane, slots: command.slots, ...asked })
      }
      case 'resend': {
        const step = worker.unanswered.get(command.lane)
        return step === undefined ? undefined : this.#answered(worker, step)
      }
      case 'lapse':
        // In the past, each at a moment of its own: the first is reaped first.
        await this.#both('renew', { consumer, leaseMs: (++this.#counter - 5000) * unitMs })
        if (command.dies) await this.#startAgain(worker)
        return
      case 'renew':
        await this.#both('renew', { consumer, leaseMs: this.#lease() })
        return
      case 'leave':
        await this.#both('unregister', { consumer })
        return this.#startAgain(worker)
      default: {
        const open = worker.hands.filter(({ phase }) => phase !== 'sent')
        for (const hand of at(open, command.pick)) await this.#handle(worker, hand, command)
      }
    }
  }

  async #handle(
    { id: consumer, hands }: Worker,
    hand: Hand,
    command: Extract<Command, { readonly kind: 'note' | 'admit' | 'release' | 'store' }>,
  ): Promise<void> {
    const { tag, spec } = hand
    const drop = (): unknown => hands.splice(hands.indexOf(hand), 1)
    switch (command.kind) {
      case 'note': {
        if (hand.noted || hand.isOver || hand.released || hand.joins.length > 0) return
        hand.noted = true
        const asked = { consumer, tag, fence: fenceOf(spec), parts: partsOf(spec, '') }
        const reply = await this.#about('note', asked, command.lost)
        if (reply.kind === 'lost') drop()
        else Object.assign(hand, { phase: 'ready', isOver: reply.kind === 'done' })
        if (reply.kind === 'done') hand.joins = reply.joins
        return
      }
      case 'admit': {
        const gate = gateOf(spec)
        if (gate === undefined || !this.gated || hand.phase !== 'ready') return
        // (Whoever is in line after the first of two calls is lost to the second.)
        if ((await this.#about('admit', { consumer, tag, gate })) !== 'run') drop()
        return
      }
      case 'release':
        if (hand.phase !== 'ready' || hand.released || hand.isOver || hand.joins.length > 0) return
        hand.released = true
        await this.#about('release', { consumer, tag }, command.lost)
        return
      case 'store': {
        const result = resultOf(spec.id, 'STARTED', (command.expires * unitMs) / 1000)
        await this.#about('store', { consumer, tag, result })
      }
    }
  }

  #letters(): ReplyTo<'deadLetters'> {
    return transition(this.#state, operation('deadLetters', { most: 10 }, this.#nowMs)).reply
  }

  async #publish(
    what: Pick<OperationOf<'publish'>, 'pushes' | 'chords'>,
    sender: string,
    again: boolean,
  ): Promise<void> {
    const publication = { ...what, sender, number: ++this.#counter }
    await this.#both('publish', publication)
    if (again) await this.#both('publish', publication)
  }

  /** Over there it is one script that also tells which tasks wait for their rate. */
  async #promote(due: Operations['promote']['asked']): Promise<void> {
    const { queue } = due
    const asked = operation('promote', due, this.#nowMs)
    const there = await this.redis.send(asked)
    const { changes, reply } = transition(this.#state, asked)
    apply(this.#state, changes)
    const next = (nextMs: number | null, offsetMs: number): number | null =>
      nextMs === null ? null : Math.round(Math.max(0, nextMs + offsetMs - this.#nowMs) / unitMs)
    const replies = [
      [reply.moved, next(reply.nextMs, 0)],
      [there.moved, next(there.nextMs, this.#jumpedMs)],
    ].map(written)
    if (replies[0] !== replies[1])
      throw new Error(`${written(asked)}\nengine answers ${replies[0]}\nredis answers  ${replies[1]}`)
    await this.#both('parked', { queue }, { compare: (tasks) => [...tasks].sort() })
  }
}

/** The one that a number means; none of none. */
const at = <T>(values: readonly T[], number: number): readonly T[] =>
  values.length === 0 || number < 0 ? [] : [values[number % values.length] as T]

/** Which ends were refused is told in no order. */
const inOrder = (reply: ReplyTo<'step'>): unknown =>
  reply.kind === 'done' ? { ...reply, refused: [...reply.refused].sort((a, b) => a - b) } : reply

const isPast = (name: string, day: number): boolean => name.startsWith('sender ') && !name.endsWith(`.${day}`)

const differences = (here: View, there: View): string =>
  [...new Set([...Object.keys(here), ...Object.keys(there)])]
    .filter((name) => written(here[name] ?? null) !== written(there[name] ?? null))
    .map(
      (name) => `${name}\n  engine ${written(here[name] ?? null)}\n  redis  ${written(there[name] ?? null)}`,
    )
    .join('\n')
