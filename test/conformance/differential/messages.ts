// The messages of a sequence: what they say of themselves stands in them, so that whoever gets one knows its end.
import type { Completion } from '../../../src/runtime/consumer.js'
import type { ChordPart, Push, StoredText } from '../../../src/runtime/publication.js'
import { type Gate, gateHeader, gateText } from '../../../src/runtime/gate.js'

export interface Spec {
  readonly id: string
  readonly retries: number
  /** Chords that it reports to, and its place there. */
  readonly seats: readonly (readonly [chord: number, index: number | null])[]
  /** Its gate stands in a header, or only its task knows of it. */
  readonly gate?: { readonly name: string; readonly limit: number; readonly inHeader: boolean }
}

export const queues = ['q', 'r'] as const

/** Ids are few, so that some come twice. */
const ids = 'abcdef'
export const idOf = (number: number): string => ids[number % ids.length] as string

/** A number of ten bits → a message. */
export const specOf = (number: number, seats: Spec['seats'] = []): Spec => {
  const gateBits = (number >> 6) & 7
  const spec = { id: idOf(number), retries: 0, seats }
  if (gateBits > 2) return spec
  const gate = {
    name: `t:${gateBits === 2 ? 'l' : 'k'}`,
    limit: 1 + ((number >> 3) & 1),
    inHeader: number % 2 === 0,
  }
  return { ...spec, gate }
}

export const gateOf = ({ id, gate }: Spec): Gate | undefined =>
  gate === undefined ? undefined : { limit: gate.limit, who: id, name: gate.name }

export const rawOf = (spec: Spec): string => {
  const gate = gateOf(spec)
  const header = gate !== undefined && spec.gate?.inHeader ? `"${gateHeader}": "${gateText(gate)}", ` : ''
  return `{"headers": {${header}"id": "${spec.id}"}, "spec": ${JSON.stringify(spec)}}`
}

export const readSpec = (raw: Buffer): Spec => (JSON.parse(raw.toString('utf8')) as { spec: Spec }).spec

/** Queue and priority also come from the number. */
export const pushOf = (number: number, spec: Spec): Push => ({
  queue: queues[(number >> 4) & 1] as string,
  priority: [0, 0, 3, 9][(number >> 5) & 3] as number,
  raw: rawOf(spec),
})

export const fenceOf = ({ id, retries }: Spec): string => `${id}:${retries}:0:`

export const chordOf = (chord: number) => ({ groupId: `g${chord}`, bodyId: `b${chord}` })

export const partsOf = ({ id, seats }: Spec, state: string): readonly ChordPart[] =>
  seats.map(([chord, index]) => ({
    ...chordOf(chord),
    taskId: id,
    index,
    member: `[1, "${id}", "${state}", ${index ?? 0}]`,
  }))

export const resultOf = (taskId: string, state: string, expires: number): StoredText => ({
  taskId,
  state,
  text: `{"status": "${state}", "task_id": "${taskId}"}`,
  expires,
})

export const nothing: Omit<Completion, 'tag'> = {
  ending: { kind: 'ack' },
  results: [],
  pushes: [],
  chords: [],
  parts: [],
}
