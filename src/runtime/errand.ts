// Errands: tasks in a chord's header that go to workers which are not ours. Celery tells nobody when such a task is
// unknown over there, nor, to what waits behind it, when it was revoked or has expired, and the chord would wait for
// ever. So whoever of ours sends one leaves a note: which chord waits for it, and what else has to be told. The
// broker looks at the results of errands; one that has ended without a word comes back as a message that says so.
// Pure.
import type { Node, SignatureOptions } from '../canvas/node.js'
import { fromJSON, type SignatureJson, toJSON } from '../canvas/wire.js'
import type { ChordKey, Errand } from './publication.js'
import { decompose } from './decompose.js'
import { signatures } from './embed.js'
import { encodeEmbed } from './envelope.js'
import { type Dict, indexOf, isDict, none, text } from './fields.js'
import { ownPlace, type Place, type Seat, seatsOf } from './parts.js'
import type { IsOurs } from './outgoing.js'
import type { Embed, Outgoing } from './plan.js'
import { resumeTask } from './reference.js'

/** What is looked at of a task: who it is, and what hangs on it. */
export interface Sent {
  readonly task: string
  readonly id: string
  readonly groupId: string | null
  readonly groupIndex: number | null
  readonly embed: Embed
}

/** Of one message: no plan shall take long for what nearly never happens. */
const mostOfOne = 1000

const dictOf = (value: unknown): Dict => (isDict(value) ? value : none)

/** A step with what waits behind it, as whoever runs the step before it sends it. */
const sentAfter = (json: SignatureJson, rest: readonly SignatureJson[]): readonly Sent[] => {
  const { task, subtask_type: kind } = json
  const options = dictOf(json.options)
  if (kind === null && options['chain'] == null) {
    const embed: Embed = {
      callbacks: null,
      errbacks: signatures(options['link_error'], 'link_error'),
      chain: rest.length === 0 ? null : rest,
      chord: signatures(options['chord'], 'chord')?.[0] ?? null,
    }
    const [id, groupId] = [text(options['task_id']) ?? '', text(options['group_id'])]
    return [{ task, id, groupId, groupIndex: indexOf(options['group_index']), embed }]
  }
  return sentFor(fromJSON(json), rest.length === 0 ? {} : { chain: rest.map((step) => fromJSON(step)) })
}

/** The messages of a canvas whose ids were fixed long ago: what has none cannot be looked for. */
const sentFor = (node: Node, options: SignatureOptions): readonly Sent[] =>
  decompose(node, [], options, { mint: () => '', nowMs: 0 }).steps.flatMap((step) => {
    if (step.do !== 'publish') return []
    const { task, id, groupId = null, groupIndex = null, embed } = step.message
    return [{ task, id, groupId, groupIndex, embed }]
  })

/** A body that is a chord itself and never comes: Celery stores that under the id of the whole, of which there is no message. */
const givenUp = (json: SignatureJson, seat: Seat): readonly Sent[] => {
  const { task, subtask_type: kind, options } = json
  const id = text(dictOf(options)['task_id'])
  if (kind !== 'chord' || id === null) return []
  const end = endOf(json)
  const behind = { ...end, options: { ...end.options, chord: toJSON(seat.body) } }
  return [
    {
      task,
      id,
      groupId: null,
      groupIndex: null,
      embed: { callbacks: null, errbacks: null, chain: [behind], chord: null },
    },
  ]
}

const endOf = (json: SignatureJson): SignatureJson => {
  const { subtask_type: kind, kwargs } = json
  const { body, tasks } = dictOf(kwargs)
  const last = kind === 'chord' ? body : kind === 'chain' && Array.isArray(tasks) ? tasks.at(-1) : undefined
  return last === undefined ? json : endOf(last as SignatureJson)
}

const isRunHere = ({ task }: Sent, isOurs: IsOurs): boolean =>
  task === resumeTask || task.startsWith('celery.') || isOurs(task)

/**
 * A task that runs elsewhere, and all that its workers send on before the work comes back to ours: those leave notes of
 * their own. The body of a chord is sent, or given up, by whoever reports last: it is looked at in any case.
 */
export function* errandsFrom(sent: Sent, isOurs: IsOurs): Generator<Sent> {
  const todo: { readonly sent: Sent; readonly isBody: boolean }[] = [{ sent, isBody: false }]
  const bodies = new Set<SignatureJson>()
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { embed } = next.sent
    const runsHere = isRunHere(next.sent, isOurs)
    if (runsHere && !next.isBody) continue
    yield next.sent
    if (runsHere) continue
    const step = embed.chain?.at(-1)
    if (step !== undefined)
      for (const behind of sentAfter(step, embed.chain?.slice(0, -1) ?? []))
        todo.push({ sent: behind, isBody: false })
    const body = embed.chord
    if (body === null || bodies.has(body)) continue
    bodies.add(body)
    // Nobody further out waits for most bodies.
    const seat = seatIn(body)
    if (seat === undefined) continue
    for (const joined of [...sentAfter(body, []), ...givenUp(body, seat)])
      todo.push({ sent: joined, isBody: true })
  }
}

/** The body of a chord is one object in all messages of its header, and so is the end of a chain in all that stand before it. */
const seats = new WeakMap<SignatureJson, Seat | 'none'>()

/** Where the end of this reports. */
const seatIn = (json: SignatureJson): Seat | undefined => {
  let seat = seats.get(json)
  if (seat === undefined) {
    seat = seatsOf(fromJSON(json))[0] ?? 'none'
    seats.set(json, seat)
  }
  return seat === 'none' ? undefined : seat
}

/** The place in a chord that stays empty without it. */
const placeOf = (sent: Sent): Place | undefined => {
  const end = sent.embed.chain?.[0]
  return ownPlace(sent) ?? (end && seatIn(end))
}

/** Notes what a plan sends to workers that are not ours. */
export class Errands {
  private readonly found: Errand[] = []
  private readonly chords = new Map<string, ChordKey>()
  private readonly ids = new Set<string>()
  private ours: { readonly task: string; readonly queue?: string } | undefined
  private last: { readonly sent: Sent; readonly text: string } | undefined

  constructor(
    private readonly isOurs: IsOurs,
    private readonly nowMs: number,
  ) {}

  /** All of them; undefined where there is none. */
  get all(): readonly Errand[] | undefined {
    return this.found.length === 0 ? undefined : this.found
  }

  /** The chords that others run a part of. */
  get mixed(): readonly ChordKey[] {
    return [...this.chords.values()]
  }

  isMixed(groupId: string): boolean {
    return this.chords.has(groupId)
  }

  /** To be asked for what stands in a chord or has steps behind it only. */
  note(message: Outgoing): void {
    // Most canvases have many tasks of few names, all of them ours.
    if (message.task === this.ours?.task && message.queue === this.ours.queue) return
    if (this.isOurs(message.task, message.queue)) {
      this.ours = message
      return
    }
    const { task, id, groupId = null, groupIndex = null, embed } = message
    const whole: Sent = { task, id, groupId, groupIndex, embed }
    const before = this.found.length
    try {
      for (const sent of errandsFrom(whole, this.isOurs)) {
        if (this.found.length - before === mostOfOne) break
        this.add(sent, whole)
      }
    } catch {
      // What stands behind it cannot be read: whoever has to send it on says so.
    }
  }

  private add(sent: Sent, whole: Sent): void {
    if (sent.id === '' || this.ids.has(sent.id)) return
    const place = placeOf(sent)
    if (place === undefined) return
    const { groupId, bodyId, taskId: part, index } = place
    if (sent.id === whole.id || !isRunHere(sent, this.isOurs)) this.chords.set(groupId, { groupId, bodyId })
    if (!isNameable(sent.id, place)) return
    this.ids.add(sent.id)
    this.found.push({
      groupId,
      bodyId,
      id: sent.id,
      part,
      index,
      sentMs: this.nowMs,
      text: this.textOf(whole),
    })
  }

  /** The members of a header differ in their ids and places only: they share a text. */
  private textOf(whole: Sent): string {
    const { last } = this
    if (last !== undefined && isAlike(last.sent, whole)) return last.text
    const written = `{"task": ${JSON.stringify(whole.task)}, "embed": ${encodeEmbed({ ...whole.embed, callbacks: null })}}`
    this.last = { sent: whole, text: written }
    return written
  }
}

/** Ids are anything that a caller likes; notes are named by them, in lines, and read by Redis as JSON. */
const isNameable = (id: string, { groupId, bodyId }: Place): boolean =>
  !id.startsWith('#') && !/\n|\p{Surrogate}/u.test(`${id} ${groupId} ${bodyId}`)

const isAlike = (one: Sent, other: Sent): boolean =>
  one === other ||
  (one.task === other.task &&
    one.embed.chord === other.embed.chord &&
    (one.embed.chain ?? other.embed.chain ?? one.embed.errbacks ?? other.embed.errbacks) === null)
