// What a worker says of a delivery at its end: each kind that there is, with what follows from it.
import type { Completion, Join } from '../../../src/runtime/consumer.js'
import type { ChordOpening, Push } from '../../../src/runtime/publication.js'
import type { End } from './commands.js'
import { chordOf, fenceOf, idOf, nothing, partsOf, pushOf, resultOf, type Spec, specOf } from './messages.js'
import { unitMs } from './view.js'

export interface Hand {
  readonly tag: string
  readonly spec: Spec
  /** Its start has to be noted before it is run. */
  phase: 'new' | 'ready' | 'sent'
  /** Chords whose bodies it must send. */
  joins: readonly Omit<Join, 'completion'>[]
  /** It was told that its end was committed before. */
  isOver: boolean
  noted: boolean
  released: boolean
}

export interface World {
  /** A moment that no other message is held until. */
  due(units: number): number
  /** The number of a chord that was never there. */
  newChord(): number
  /** Its body is out, or on its way. */
  isOver(chord: number): boolean
}

const seconds = (units: number): number => (units * unitMs) / 1000

/** The first of its kind: a message of this chord. */
const headers = (world: World, next: number, size: number): { pushes: Push[]; chord: ChordOpening } => {
  const chord = world.newChord()
  const numbers = Array.from({ length: size }, (_, i) => next + i)
  const pushes = numbers.map((number, i) => pushOf(number, specOf(number | 512, [[chord, i]])))
  return { pushes, chord: { ...chordOf(chord), size } }
}

const edgesOf = (world: World, { spec }: Hand, { edges, next }: End): Partial<Completion> => {
  const pushes: Push[] = []
  const chords: ChordOpening[] = []
  const has = (bit: number): boolean => (edges & bit) !== 0
  if (has(1)) pushes.push(pushOf(next, specOf(next)))
  if (has(2)) pushes.push({ ...pushOf(next, specOf(next)), dueMs: world.due(10) })
  if (has(4)) {
    const opened = headers(world, next, 1 + (next % 2))
    pushes.push(...opened.pushes)
    chords.push(opened.chord)
  }
  const [seat] = spec.seats
  const grows = has(8) && seat !== undefined && !world.isOver(seat[0])
  // What is added to a chord reports to it, too.
  if (grows)
    pushes.push(pushOf(next, { ...specOf(next), id: `${idOf(next)}${spec.id}`, seats: [[seat[0], null]] }))
  if (has(16))
    pushes.push({ queue: '', priority: 0, raw: `all ${next}`, fanout: { exchange: 'all', routingKey: '' } })
  return {
    pushes,
    chords,
    ...(grows && { grown: [chordOf(seat[0])] }),
    ...(has(32) && { pages: [{ graph: `graph${next % 2}`, page: next % 3, text: `page ${next}` }] }),
    ...(has(64) && { frees: [{ graph: `graph${next % 2}`, page: (next + 1) % 3 }] }),
  }
}

/** The second act of who has counted as the last part of a chord: the bodies. */
const bodies = ({ tag, joins }: Hand, { next, edges }: End): Completion => ({
  ...nothing,
  tag,
  joined: joins.map(({ groupId, bodyId }) => ({ groupId, bodyId })),
  // A body that cannot be made has failed.
  results: (edges & 1) === 1 ? [resultOf(joins[0]?.bodyId as string, 'FAILURE', 0)] : [],
  pushes: joins.map(({ bodyId }) => pushOf(next, { id: bodyId, retries: 0, seats: [] })),
})

export const completionOf = (world: World, hand: Hand, end: End): Completion => {
  const { tag, spec } = hand
  const bare = { ...nothing, tag }
  const fence = fenceOf(spec)
  const isBack = end.way === 'back' && !hand.isOver
  const starts = end.edges % 4
  if (isBack) return { ...bare, ending: { kind: 'back', starts } }
  if (hand.joins.length > 0) return bodies(hand, end)
  if (hand.isOver) return bare
  const result = (state: string) => [resultOf(spec.id, state, seconds(end.expires))]
  const failure = { fence, results: result('FAILURE'), parts: partsOf(spec, 'FAILURE') }
  // Its start is not noted: it did not run.
  const way = hand.phase === 'new' && !['park', 'defer', 'dead'].includes(end.way) ? 'defer' : end.way
  switch (way) {
    case 'success':
      return { ...bare, results: result('SUCCESS'), parts: partsOf(spec, 'SUCCESS') }
    case 'edges':
      return {
        ...bare,
        fence,
        results: result('SUCCESS'),
        parts: partsOf(spec, 'SUCCESS'),
        ...edgesOf(world, hand, end),
      }
    case 'failure':
      return {
        ...bare,
        ...failure,
        pushes: (end.edges & 1) === 1 ? [pushOf(end.next, specOf(end.next))] : [],
      }
    case 'retry':
      return {
        ...bare,
        fence,
        results: result('RETRY'),
        pushes: [
          { ...pushOf(end.next, { ...spec, retries: spec.retries + 1 }), dueMs: world.due(end.expires) },
        ],
      }
    case 'ignored':
      return { ...bare, fence, parts: partsOf(spec, 'SUCCESS') }
    case 'requeue':
      return { ...bare, ending: { kind: 'requeue' } }
    case 'defer':
      return { ...bare, ending: { kind: 'defer', dueMs: world.due(end.expires) } }
    case 'park':
      return { ...bare, ending: { kind: 'park', task: `t${end.next % 2}` } }
    default:
      return {
        ...bare,
        ...failure,
        ending: { kind: 'dead', reason: 'poison', taskId: spec.id, task: 't', starts },
      }
  }
}
