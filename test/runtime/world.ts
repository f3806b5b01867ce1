// A world without a broker, a pool or a clock: plans are carried out on plain data, one message after the
// other in any order that is asked for. What it shows is what the deciders decide.
import type { Node } from '../../src/canvas/node.js'
import type { Addition } from '../../src/runtime/addition.js'
import { Replace, Retry } from '../../src/errors.js'
import type { ChordKey, ChordPart } from '../../src/runtime/publication.js'
import { followSuccess } from '../../src/runtime/follow.js'
import { failureOf, followFailure } from '../../src/runtime/follow-failure.js'
import { type Complete, followJoins } from '../../src/runtime/follow-join.js'
import { followReplace } from '../../src/runtime/follow-replace.js'
import { followRetry } from '../../src/runtime/follow-retry.js'
import type { Message } from '../../src/runtime/message.js'
import { metaText } from '../../src/runtime/meta.js'
import { encodeValue } from '../../src/runtime/json.js'
import { ownPlace } from '../../src/runtime/parts.js'
import type { Plan, Step } from '../../src/runtime/plan.js'
import { contextOf, counter, nowMs, rawsOf, read } from './plans.js'

/** A task's message, and what it may do. */
export interface Running extends Message {
  /** Sent with its end, if it stands in the header of a chord. */
  readonly addToChord: (node: Node) => void
}

/** What a task does; what it throws is its failure, or a Retry. */
export type Code = (this: Running, ...args: any[]) => unknown

export interface Options {
  readonly tasks: Readonly<Record<string, Code>>
  /** Which of the waiting messages is run next; default: the oldest. */
  readonly choose?: (count: number) => number
  /** Messages of this queue stay where they are. */
  readonly held?: string
}

interface Chord {
  size: number | undefined
  readonly parts: Map<string, ChordPart>
  isTaken: boolean
}

const keyOf = ({ groupId, bodyId }: ChordKey): string => `${groupId} ${bodyId}`

export class World {
  /** Task id → stored text. */
  readonly results = new Map<string, string>()
  readonly held: string[] = []
  readonly chords = new Map<string, Chord>()
  /** Ids of the messages in the order in which they ran. */
  readonly ran: string[] = []
  readonly #waiting: string[] = []
  readonly #options: Options
  readonly #mint: () => string

  constructor(options: Options, mint = counter()) {
    this.#options = options
    this.#mint = mint
  }

  readonly mint = (): string => this.#mint()

  /** Publishes a plan of a client, and runs until nothing waits. */
  play(plan: Plan): this {
    this.#commit(plan, undefined)
    while (this.step());
    return this
  }

  /** Runs messages that somebody else has sent, who has opened these chords. */
  playSent(raws: readonly string[], opened: readonly (ChordKey & { readonly size: number })[]): this {
    this.#waiting.push(...raws)
    for (const chord of opened) this.#chord(chord).size = chord.size
    while (this.step());
    return this
  }

  /** Runs one message; false when none waits. */
  step(): boolean {
    if (this.#waiting.length === 0) return false
    const index = this.#options.choose?.(this.#waiting.length) ?? 0
    const [raw] = this.#waiting.splice(index, 1) as [string]
    const message = read(raw)
    this.ran.push(message.id)
    const added: Addition[] = []
    const addToChord = (node: Node): void => {
      if (ownPlace(message) === undefined) return
      added.push({ do: 'send', node, args: [], options: { taskId: this.mint() }, toChord: true })
    }
    const context = contextOf({
      added,
      mint: this.mint,
      queue: message.routingKey,
      ignoreResult: message.ignoreResult === true,
    })
    let plan: Plan
    try {
      const code = this.#options.tasks[message.task]
      if (code === undefined) throw new Error(`no task ${message.task}`)
      const kwargs = Object.keys(message.kwargs).length > 0 ? [message.kwargs] : []
      const value = code.apply({ ...message, addToChord }, [...message.args, ...kwargs])
      plan =
        value instanceof Replace
          ? followReplace(message, value.signature as Node, context)
          : followSuccess(message, value, context)
    } catch (error) {
      plan =
        error instanceof Retry
          ? followRetry(message, error, context)
          : followFailure(message, failureOf(error), context)
    }
    this.#commit(plan, message)
    return true
  }

  #commit(plan: Plan, message: Message | undefined): void {
    const joins: Complete[] = []
    for (const step of plan.steps) this.#do(step, joins)
    const publishing = plan.steps.filter((step) => step.do === 'publish')
    const raws = rawsOf(plan)
    for (const [index, step] of publishing.entries()) {
      const raw = raws[index] as string
      const isHeld = this.#options.held !== undefined && step.message.queue === this.#options.held
      ;(isHeld ? this.held : this.#waiting).push(raw)
    }
    if (joins.length > 0 && message !== undefined)
      this.#commit(followJoins(message, joins, { kind: 'ack' }, contextOf({ mint: this.mint })), message)
  }

  #do(step: Step, joins: Complete[]): void {
    if (step.do === 'store') {
      const { children, ...fields } = step
      const texts = children.length > 0 ? { children: encodeValue(children) } : {}
      this.results.set(step.taskId, metaText({ ...fields, ...texts, nowMs }))
    } else if (step.do === 'grow-chord') {
      const chord = this.#chord(step.chord)
      chord.size = (chord.size ?? 0) + 1
    } else if (step.do === 'open-chord') this.#chord(step.chord).size ??= step.chord.size
    else if (step.do === 'report') {
      const chord = this.#chord(step.part)
      chord.parts.set(step.part.taskId, step.part)
      if (chord.parts.size !== chord.size || chord.isTaken) return
      chord.isTaken = true
      const inOrder = [...chord.parts.values()].sort((a, b) => (a.index ?? 1e9) - (b.index ?? 1e9))
      joins.push({ ...step.part, members: inOrder.map(({ member }) => member) })
    } else if (step.do === 'join') this.chords.delete(keyOf(step.chord))
  }

  #chord(key: ChordKey): Chord {
    const known = this.chords.get(keyOf(key))
    if (known !== undefined) return known
    const fresh: Chord = { size: undefined, parts: new Map(), isTaken: false }
    this.chords.set(keyOf(key), fresh)
    return fresh
  }
}
