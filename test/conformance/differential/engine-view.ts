// The engine's state, as it would lie in a Redis: names of what there is, and what it says. `redis-view.ts` reads
// the same from a Redis.
import { dequeToArray } from '../../../src/memory/deque.js'
import { heapToArray } from '../../../src/memory/heap.js'
import { theOne } from '../../../src/memory/keys.js'
import type { Chord, ConsumerRecord, Held, Message } from '../../../src/memory/records.js'
import type { State } from '../../../src/memory/state.js'
import { bindingMember } from '../../../src/redis/keys.js'
import { gateText, readGate } from '../../../src/runtime/gate.js'
import { laneNames } from './over-redis.js'
import { type Moments, unitMs, type View } from './view.js'

const flags = { clear: '-', uncertain: 'm', lost: 'e' } as const

const note = ({ attempts, standing, step, worker }: Message): string =>
  `${attempts} ${flags[standing]} ${step} ${worker ?? '-'}`

/** A message with its past, as it lies in a redo list. */
const withPast = (message: Message): string => {
  const { gate, raw } = message
  const onTheWay =
    gate === undefined || readGate(raw) !== undefined ? '' : `@${gateText(gate).replaceAll(' ', '/')}`
  return `${note(message).replace(/^(\d+ .)/, `$1${onTheWay}`)}\n${raw.toString('latin1')}`
}

const letters = ({ noted, released, joining }: Held): string =>
  (noted ? 'n' : '') + (released ? 'e' : '') + (joining ? 'j' : '')

const heldText = (held: Held): string => {
  const { message, gate } = held
  const where = `${message.queue} ${message.step} [${letters(held)}] ${gate === undefined ? '' : gateText(gate)}`
  return `${where}\n${withPast({ ...message, gate: undefined } as unknown as Message)}`
}

export const engineView = (state: State, at: Moments): View => {
  const view: View = {}
  const isOver = (expiresMs: number | null): boolean => expiresMs !== null && expiresMs <= at.nowMs
  for (const [id, record] of state.consumers) {
    view[`consumer ${id}`] = consumerOf(record, at)
    for (const held of state.held.get(id)?.values() ?? [])
      view[`held ${id} ${held.request + held.index}`] = heldText(held)
  }
  for (const [exchange, bindings] of state.bindings)
    view[`bindings ${exchange}`] = bindings.map(bindingMember).sort()
  for (const [key, list] of state.lists) {
    const [queue, place] = key.split('\n') as [string, string]
    const lying = dequeToArray(list)
    if (/^\d$/.test(place)) view[`list ${queue} ${place}`] = lying.map(({ raw }) => raw.toString('latin1'))
    else if (place === 'redo') view[`redo ${queue}`] = lying.map(withPast)
    else view[`parked ${queue} ${JSON.parse(place)}`] = lying.map(withPast)
  }
  for (const [queue, tasks] of state.limited) view[`limited ${queue}`] = [...tasks].sort()
  for (const [queue, heap] of state.deferred)
    view[`eta ${queue}`] = heapToArray(heap).map(({ atMs, value }) => [
      Math.ceil(at.exactly(atMs)),
      withPast(value),
    ])
  for (const [name, { inside, line }] of state.gates) {
    const within = Object.entries(inside).map(([who, consumer]) => `${who} ${consumer ?? ''}`)
    if (within.length > 0) view[`gate ${name}`] = within.sort()
    if (line.size > 0)
      view[`line ${name}`] = dequeToArray(line).map(
        ({ gate, message }) => `${gateText(gate)}\n${message.queue}\n${withPast(message)}`,
      )
  }
  for (const [queue, counts] of state.gated) view[`gated ${queue}`] = Object.fromEntries(counts)
  for (const [task, nextMs] of state.rates)
    if (nextMs > at.nowMs + unitMs / 2) view[`rate ${task}`] = at.about(nextMs)
  for (const [id, { text, expiresMs }] of state.results)
    if (!isOver(expiresMs)) view[`result ${id}`] = [text, at.about(expiresMs)]
  for (const [fence, { expiresMs }] of state.markers)
    if (!isOver(expiresMs)) view[`marker ${fence}`] = at.about(expiresMs)
  for (const [key, chord] of state.chords) if (!isOver(chord.expiresMs)) chordOf(view, state, key, chord, at)
  for (const [sender, number] of state.senders) view[`sender ${sender}`] = number
  for (const [graph, pages] of state.graphs) view[`graph ${graph}`] = Object.fromEntries(pages)
  const dead = dequeToArray(state.dead.get(theOne) ?? { size: 0, front: null, back: null })
  const buried = dead.filter(({ expiresMs }) => !isOver(expiresMs))
  if (buried.length > 0)
    view['dead'] = buried.map(
      ({ queue, step, reason, attempts, lastWorker, taskId, task, raw, diedAtMs, expiresMs }) => ({
        queue,
        step,
        reason,
        attempts,
        lastWorker,
        taskId,
        task,
        raw: raw.toString('latin1'),
        at: at.about(diedAtMs),
        until: at.about(expiresMs),
      }),
    )
  const revoked = (state.revoked.get(theOne) ?? []).filter(({ expiresMs }) => !isOver(expiresMs))
  for (const kind of ['id', 'stamp'] as const) {
    const marks = revoked.filter((mark) => mark[kind] !== null)
    if (marks.length > 0)
      view[`revoked ${kind}`] = marks.map((mark) => [
        kind === 'id' ? mark.id : JSON.stringify(mark.stamp),
        at.about(mark.atMs),
      ])
  }
  return view
}

const consumerOf = ({ hostname, queues, leaseEndMs, lanes }: ConsumerRecord, at: Moments) => ({
  hostname,
  queues,
  lease: at.about(leaseEndMs),
  lanes: laneNames.map((_, lane) => lanes[lane]?.request ?? 0),
})

/** In a Redis it is five keys, of which a header of one group has some. */
const chordOf = (view: View, state: State, key: string, chord: Chord, at: Moments): void => {
  const name = key.replace('\n', ' ')
  const { size, added, taken, expiresMs } = chord
  const parts = [...(state.parts.get(key) ?? [])]
  if (size !== null) view[`size ${name.split(' ')[0]}`] = size
  if (added > 0) view[`added ${name.split(' ')[0]}`] = added
  if (parts.length > 0) view[`seen ${name}`] = [parts.map(([id]) => id).sort(), at.about(expiresMs)]
  const members = parts.flatMap(([, { index, member }]) => (member === null ? [] : [[index, member]]))
  if (members.length > 0) view[`members ${name.split(' ')[0]}`] = members.map(String).sort()
  if (taken !== null) view[`taken ${name}`] = taken
}
