// What a plan sends: its messages with their addresses and texts, the chords that they open and the pages that they
// refer to. All of it in one publication, or, where that would be too big, the messages sent ahead of it.
import { randomUUID } from 'node:crypto'
import type { SignatureJson } from '../canvas/wire.js'
import { OperationalError } from '../errors.js'
import type { Broker } from './broker.js'
import type { ChordKey, ChordOpening, Page, Publication, Push, StagedPiece } from './publication.js'
import { checkSerializer } from './content.js'
import { encodeMessage, encodePage } from './envelope.js'
import { Errands } from './errand.js'
import type { Outgoing, Step } from './plan.js'
import type { Weaver } from './weave.js'
import type { Routed, Router } from './router.js'
import type { Guards, Seal } from './security/guard.js'
import { mostAtOnce, releaseOf, sendAhead, type Target } from './stage.js'

/** What plans are carried out with. */
export interface Means {
  readonly router: Router
  readonly broker: Pick<Broker, 'route' | 'now'>
  /** Compression where neither call nor task names one. */
  readonly compression: string | undefined
  /** Signs what must be signed, and the notes of errands; absent where nothing is. */
  readonly guards?: Guards | undefined
  /** Opens chords where Python counts their parts, ahead of a publication; absent where a completion opens them, or nobody there. */
  readonly openFar?: ((chords: readonly ChordOpening[]) => Promise<void>) | undefined
  /** Sends a piece of a plan ahead that is too big for one call; absent where none is. */
  readonly stage?: ((piece: StagedPiece) => Promise<void>) | undefined
  /** Queues that workers of ours consume now. */
  readonly served?: (() => Promise<ReadonlySet<string>>) | undefined
  /** What the app has around its messages. */
  readonly weaver?: Pick<Weaver, 'isNeeded' | 'weave'>
  /** Where messages are written down that are sent, for who is told of them. */
  readonly sent?: Routed[] | undefined
  /** The same for the end of a message, by its tag. */
  readonly sentBy?: (tag: string) => Routed[] | undefined
}

const write = (routed: Routed, means: Means, nowMs: number): string => {
  const { message } = routed
  checkSerializer(message.serializer)
  const compression = message.compression ?? means.compression
  return encodeMessage(
    compression === undefined ? message : { ...message, compression },
    routed.address,
    nowMs,
    means.guards === undefined ? undefined : sealOf(routed, means),
  )
}

const sealOf = (routed: Routed, { router, guards }: Means): Seal | undefined =>
  guards?.seal(router.signedFor(routed), routed.message.serializer)

/** One push for each queue; a named exchange is asked for its queues. Synchronous in the normal case. */
const pushesOf = (routed: Routed, means: Means, nowMs: number): Push | Promise<readonly Push[]> => {
  const { address, queue, message, isFanout } = routed
  const raw = write(routed, means, nowMs)
  if (isFanout) {
    const { exchange, routingKey, priority } = address
    return { queue: '', priority, raw, fanout: { exchange, routingKey } }
  }
  if (queue !== undefined)
    return message.hold === true && message.eta != null && message.eta.ms > nowMs
      ? { queue, priority: address.priority, raw, dueMs: message.eta.ms }
      : { queue, priority: address.priority, raw }
  return means.broker.route(address.exchange, address.routingKey).then((bound) => {
    const here = means.router.declaredFor(address.exchange, address.routingKey)
    const queues = [...new Set([...bound, ...here])].sort()
    if (queues.length === 0)
      throw new OperationalError(
        `No queue is bound to exchange "${address.exchange}" with routing key "${address.routingKey}": ` +
          `${message.task} was not sent. Start a worker that declares it, or send to a queue by name.`,
      )
    return queues.map((name) => ({ queue: name, priority: address.priority, raw }))
  })
}

/** A publication, and its messages with everything decided. */
export interface Prepared extends Publication {
  readonly messages: readonly Outgoing[]
  /** Steps that lie on its pages. */
  readonly kept: readonly SignatureJson[]
  /** Chords that workers which are not ours take part in from now on. */
  readonly mixed?: readonly ChordKey[]
}

/** What plans come to. Waits only where somebody has to be asked: a promise for every task would cost too much. */
export const prepare = (
  steps: readonly Step[],
  means: Means,
  nowMs: number,
): Prepared | Promise<Prepared> => {
  const only = steps.length === 1 ? steps[0] : undefined
  if (only?.do === 'publish' && only.message.embed.chain === null && only.message.embed.chord === null)
    return prepareOne(only.message, means, nowMs)
  const ahead = steps.length > mostAtOnce && goesAhead(steps, means, nowMs)
  const fit = (staged: boolean): Prepared | Promise<Prepared> =>
    staged ? prepareStaged(steps, means, nowMs) : prepareWhole(steps, means, nowMs)
  return ahead instanceof Promise ? ahead.then(fit) : fit(ahead)
}

/** One message that nothing stands behind, the most frequent plan, without the lists that only a canvas fills. */
const prepareOne = (message: Outgoing, means: Means, nowMs: number): Prepared | Promise<Prepared> => {
  const routed = means.router.route(message, nowMs)
  const messages = [routed.message]
  means.sent?.push(routed)
  const found = pushesOf(routed, means, nowMs)
  return found instanceof Promise
    ? found.then((pushes) => ({ pushes, chords: none, messages, kept: none }))
    : { pushes: [found], chords: none, messages, kept: none }
}

const none: readonly never[] = Object.freeze([])

/** All of it in one call. A named exchange is asked for its queues. */
const prepareWhole = (steps: readonly Step[], means: Means, nowMs: number): Prepared | Promise<Prepared> => {
  const pushes: (Push | Promise<readonly Push[]>)[] = []
  const chords: ChordOpening[] = []
  const messages: Outgoing[] = []
  const pages: Page[] = []
  const kept: SignatureJson[] = []
  let errands: Errands | undefined
  let asks = false
  for (const step of steps) {
    if (step.do === 'open-chord') chords.push(step.chord)
    if (step.do === 'keep') keep(step, means, pages, kept)
    if (step.do !== 'publish') continue
    const routed = means.router.route(step.message, nowMs)
    messages.push(routed.message)
    means.sent?.push(routed)
    const { chain, chord } = routed.message.embed
    if (chain !== null || chord !== null)
      (errands ??= new Errands(means.router.runsHere, nowMs)).note(routed.message)
    const found = pushesOf(routed, means, nowMs)
    if (found instanceof Promise) asks = true
    pushes.push(found)
  }
  const { guards, openFar } = means
  const all = errands?.all
  const noted = guards === undefined || all === undefined ? all : guards.notes.seal(all)
  const mixed = errands?.mixed ?? none
  const isMixed = ({ groupId }: ChordKey): boolean => errands?.isMixed(groupId) === true
  const far = openFar !== undefined && errands !== undefined ? chords.filter(isMixed) : none
  const whole = (all: readonly Push[]): Prepared => ({
    pushes: all,
    chords: far.length === 0 ? chords : chords.filter((chord) => !isMixed(chord)),
    pages,
    messages,
    kept,
    ...(noted !== undefined && { errands: noted }),
    ...(mixed.length > 0 && { mixed }),
  })
  const sent = asks
    ? Promise.all(pushes.map((found) => Promise.resolve(found))).then((found) => whole(found.flat()))
    : whole(pushes as Push[])
  // A chord in which Python takes part is counted where that tells its parts: open before its messages are out.
  return openFar === undefined || far.length === 0 ? sent : openFar(far).then(() => sent)
}

const keep = (
  { key, steps }: Extract<Step, { do: 'keep' }>,
  { router }: Means,
  pages: Page[],
  kept: SignatureJson[],
): void => {
  const carried = steps.map(router.carry)
  kept.push(...carried)
  pages.push({ ...key, text: encodePage(carried) })
}

/** Only our own workers release what is staged: they run these tasks, or consume these queues now. */
const goesAhead = (
  steps: readonly Step[],
  { stage, served, router }: Means,
  nowMs: number,
): boolean | Promise<boolean> => {
  if (stage === undefined) return false
  const kinds = new Map<string, Outgoing>()
  let messages = 0
  for (const step of steps) {
    if (step.do !== 'publish') continue
    // What is held until it is due lies elsewhere.
    if (step.message.hold === true) return false
    kinds.set(`${step.message.task} ${step.message.queue}`, step.message)
    messages += 1
  }
  if (messages <= mostAtOnce) return false
  const queues = [...kinds.values()].map((message) => router.ownQueueOf(message, nowMs))
  if (queues.includes(undefined)) return false
  if ([...kinds.values()].every(({ task, queue }) => router.isOurs(task, queue))) return true
  return (
    served?.().then(
      (alive) => queues.every((queue) => alive.has(queue as string)),
      () => false,
    ) ?? false
  )
}

/** Everything but the messages themselves, which have gone ahead. Workers of ours run them all: there are no errands. */
const prepareStaged = async (steps: readonly Step[], means: Means, nowMs: number): Promise<Prepared> => {
  const chords: ChordOpening[] = []
  const messages: Outgoing[] = []
  const pages: Page[] = []
  const kept: SignatureJson[] = []
  let known: SignatureJson | null = null
  const written = async function* (): AsyncGenerator<Push> {
    for (const step of steps) {
      if (step.do !== 'publish') continue
      const routed = means.router.route(step.message, nowMs)
      const { ignoreResult, embed } = routed.message
      // The body of a chord is one object in all messages of its header: one of them tells of it.
      const tells = embed.chain !== null || (embed.chord !== null && embed.chord !== known)
      if (ignoreResult === true || tells) messages.push(routed.message)
      known = embed.chord
      means.sent?.push(routed)
      const found = pushesOf(routed, means, nowMs)
      if (found instanceof Promise) yield* await found
      else yield found
    }
  }
  for (const step of steps)
    if (step.do === 'open-chord') chords.push(step.chord)
    else if (step.do === 'keep') keep(step, means, pages, kept)
  const stage = randomUUID()
  const send = means.stage as NonNullable<Means['stage']>
  const { targets, releases } = await sendAhead(stage, written(), send)
  const [queue, priority] = targets[0] as Target
  const address = { exchange: '', routingKey: queue, priority }
  const seal = means.guards?.seal([queue], undefined)
  const raw = encodeMessage(releaseOf(stage, targets), address, nowMs, seal)
  return { pushes: [{ queue, priority, raw }], chords, pages, releases, messages, kept }
}
