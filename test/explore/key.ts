// A world as text: two worlds are the same when nothing that can still happen differs. Workers are alike, so that
// their names and order are left out; of the numbers of requests only the order counts.
import { dequeToArray } from '../../src/memory/deque.js'
import { heapToArray } from '../../src/memory/heap.js'
import type { OperationOf } from '../../src/memory/operations.js'
import type { ConsumerRecord, Held, Message } from '../../src/memory/records.js'
import type { State } from '../../src/memory/state.js'
import type { Script } from './script.js'
import type { Hand, Worker, World } from './world.js'

/** Tables that no action has touched are the same objects: their text is written once. */
const texts = new WeakMap<object, string>()

const once = <T extends object>(table: T, write: (table: T) => string): string => {
  const known = texts.get(table)
  if (known !== undefined) return known
  const text = write(table)
  texts.set(table, text)
  return text
}

const rows = <T>(table: Map<string, T>, write: (value: T, key: string) => string): string =>
  [...table]
    .map(([key, value]) => `${key}=${write(value, key)}`)
    .sort()
    .join(';')

const none = new Map<string, never>()

export const keyOf = (world: World, script: Script): string => {
  const { engine, workers, echoes, sent } = world
  const message = ({ raw, standing, attempts }: Message): string =>
    `${script.know(raw).index}${standing[0]}${attempts}`
  const shared = [
    once(engine.lists, (table) => rows(table, (list) => dequeToArray(list).map(message).join())),
    once(engine.deferred, (table) =>
      rows(table, (heap) =>
        heapToArray(heap)
          .map(({ value }) => message(value))
          .join(),
      ),
    ),
    once(engine.results, (table) => rows(table, ({ state }) => state)),
    once(engine.markers, (table) => rows(table, () => '')),
    once(engine.chords, (table) =>
      rows(table, ({ size, count, taken }) => `${size} ${count} ${taken?.length ?? ''}`),
    ),
    once(engine.parts, (table) =>
      rows(table, (parts) =>
        [...parts]
          .map(([id, { member }]) => id + (member === null ? '' : '!'))
          .sort()
          .join(),
      ),
    ),
    once(engine.dead, (table) => rows(table, (letters) => String(letters.size))),
    once(sent, (table) => rows(table as Map<string, number>, String)),
  ]
  const alive = new Set(workers.map(({ id }) => id))
  const hands = workers.map((worker) => workerText(engine, worker, echoes, message, script))
  const orphans: string[] = []
  for (const id of engine.consumers.keys())
    if (!alive.has(id)) orphans.push(consumerText(engine, id, undefined, echoes, message, script))
  // Copies of calls to consumers that are gone find nothing.
  const lost = echoes.filter(({ consumer }) => !engine.consumers.has(consumer) && !alive.has(consumer)).length
  return [
    ...shared,
    hands.sort().join('/'),
    orphans.sort().join('/'),
    lost,
    world.isLater,
    world.faultsLeft,
  ].join('\n')
}

interface Seen {
  readonly record: unknown
  readonly held: unknown
  readonly text: string
}

const seen = new WeakMap<Worker, Seen>()

/** Most actions leave most workers as they were. */
const workerText = (
  engine: State,
  worker: Worker,
  echoes: readonly OperationOf<'step'>[],
  message: (message: Message) => string,
  script: Script,
): string => {
  const { id } = worker
  if (echoes.some(({ consumer }) => consumer === id))
    return consumerText(engine, id, worker, echoes, message, script)
  const [record, held] = [engine.consumers.get(id), engine.held.get(id)]
  const before = seen.get(worker)
  if (before !== undefined && before.record === record && before.held === held) return before.text
  const text = consumerText(engine, id, worker, echoes, message, script)
  seen.set(worker, { record, held, text })
  return text
}

const numbersOf = (
  record: ConsumerRecord | undefined,
  held: Map<string, Held>,
  worker: Worker | undefined,
  echoes: readonly OperationOf<'step'>[],
): Map<number, number> => {
  const numbers = new Set<number>()
  for (const lane of record?.lanes ?? []) if (lane !== undefined) numbers.add(lane.request)
  for (const { request } of held.values()) numbers.add(request)
  for (const { tag } of worker?.hands ?? []) numbers.add(requestOf(tag))
  for (const step of worker?.unanswered ?? []) if (step !== null) addStep(step, numbers)
  for (const step of echoes) addStep(step, numbers)
  return new Map([...numbers].sort((a, b) => a - b).map((number, rank) => [number, rank]))
}

const addStep = (step: OperationOf<'step'>, numbers: Set<number>): void => {
  numbers.add(step.request)
  for (const { tag } of step.completions) numbers.add(requestOf(tag))
}

/** Tags are `<lane>:<request>:<index>`. */
const requestOf = (tag: string): number => Number.parseInt(tag.slice(2), 10)

const consumerText = (
  engine: State,
  id: string,
  worker: Worker | undefined,
  allEchoes: readonly OperationOf<'step'>[],
  message: (message: Message) => string,
  script: Script,
): string => {
  const record = engine.consumers.get(id)
  const held = engine.held.get(id) ?? none
  const echoes = allEchoes.filter(({ consumer }) => consumer === id)
  const ranks = numbersOf(record, held, worker, echoes)
  const tagText = (tag: string): string => {
    const request = requestOf(tag)
    return `${tag[0]}${ranks.get(request)}${tag.slice(tag.lastIndexOf(':'))}`
  }
  const stepText = ({ lane, request, completions, slots }: OperationOf<'step'>): string =>
    `${lane}${ranks.get(request)}+${slots}${completions.map(({ tag, ending, joined }) => tagText(tag) + ending.kind[0] + (joined ? 'j' : '')).join()}`
  const handText = ({ tag, raw, phase, joins, isOver }: Hand): string =>
    `${tagText(tag)}${script.know(raw).index}${phase[0]}${joins.length}${isOver ? 'o' : ''}`
  const lanes = (record?.lanes ?? []).map((lane, index) => {
    if (lane === undefined) return ''
    const asked = worker?.unanswered[index] ?? null
    // What was answered is asked for once more only where the answer did not come.
    if (asked === null) return String(ranks.get(lane.request))
    const { refused, joins, deliveries } = lane.reply
    return `${ranks.get(lane.request)}(${refused.join()};${joins.map(({ completion }) => completion).join()};${deliveries.map(({ tag, attempts, uncertain }) => `${tagText(tag)}${attempts}${uncertain}`).join()})`
  })
  const holding = [...held].map(
    ([tag, { message: each, noted, joining }]) =>
      `${tagText(tag)}${message(each)}${noted ? 'n' : ''}${joining ? 'j' : ''}`,
  )
  const own =
    worker === undefined
      ? ''
      : `${worker.hands.map(handText).sort().join()}|${worker.unanswered.map((step) => (step === null ? '' : stepText(step))).join('|')}`
  return `${record === undefined ? 'gone' : lanes.join(' ')}|${holding.sort().join()}|${own}|${echoes.map(stepText).sort().join()}`
}
