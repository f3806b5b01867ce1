// Chords: a part counts once for each task id; the last one takes all members out, and they are kept until
// the body is published, so that a crash between the two is finished by whoever gets the message next.
import type { Join } from '../runtime/consumer.js'
import type { ChordKey, ChordOpening, ChordPart } from '../runtime/publication.js'
import type { Draft } from './draft.js'
import { live, watchExpiry } from './expiry.js'
import { chordKey } from './keys.js'
import type { Chord, Part } from './records.js'

/** How long a part waits for somebody to open its chord, as when Python's last header message is on its way. */
const unopenedMs = 86_400_000
/** How long the task ids are remembered when the body is out: duplicates of headers may still be on their way. */
const rememberedMs = 3_600_000

const unknown: Chord = { size: null, added: 0, count: 0, taken: null, expiresMs: null }

const set = (draft: Draft, key: string, chord: Chord): void => {
  watchExpiry(draft, { table: 'chords', key }, chord.expiresMs)
  draft.set('chords', key, chord)
}

/** Nobody's chord has an end. One that was opened has none, nor one whose body is not out yet. */
const end = (draft: Draft, { size, taken }: Chord): number | null =>
  size === null && taken === null ? draft.nowMs + unopenedMs : null

/** A size that stands is never changed: a nested group of the same id may not shrink it. */
export const openChord = (draft: Draft, opening: ChordOpening): void => {
  const key = chordKey(opening)
  const chord = live(draft, 'chords', key) ?? unknown
  if (chord.size === null) set(draft, key, { ...chord, size: opening.size, expiresMs: null })
}

/** One part more, before anything that this end reports is counted. Who opens it has yet to come, perhaps. */
export const growChord = (draft: Draft, chordOf: ChordKey): void => {
  const key = chordKey(chordOf)
  const chord = live(draft, 'chords', key) ?? unknown
  set(draft, key, { ...chord, added: chord.added + 1, expiresMs: end(draft, chord) })
}

export const hasReported = (draft: Draft, part: Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>): boolean =>
  live(draft, 'chords', chordKey(part)) !== undefined &&
  draft.getIn('parts', chordKey(part), part.taskId) !== undefined

const inOrder = ([, a]: readonly [string, Part], [, b]: readonly [string, Part]): number => {
  const [first, second] = [a.index ?? Number.POSITIVE_INFINITY, b.index ?? Number.POSITIVE_INFINITY]
  if (first !== second) return first < second ? -1 : 1
  return Buffer.compare(Buffer.from(a.member ?? ''), Buffer.from(b.member ?? ''))
}

/** Counts one part; the last one brings all members. */
export const report = (draft: Draft, part: ChordPart): readonly string[] | null => {
  if (hasReported(draft, part)) return null
  const key = chordKey(part)
  const chord = live(draft, 'chords', key) ?? unknown
  draft.setIn('parts', key, part.taskId, { index: part.index, member: part.member })
  const count = chord.count + 1
  if (chord.size === null || count < chord.size + chord.added) {
    set(draft, key, { ...chord, count, expiresMs: end(draft, chord) })
    return null
  }
  const counted = draft.allIn('parts', key).filter(([, { member }]) => member !== null)
  const members = counted.sort(inOrder).map(([, { member }]) => member ?? '')
  for (const [taskId, { index }] of counted) draft.setIn('parts', key, taskId, { index, member: null })
  set(draft, key, { ...unknown, taken: members })
  return members
}

/** It waits for parts. */
export const isOpen = (draft: Draft, key: ChordKey): boolean =>
  live(draft, 'chords', chordKey(key))?.size != null

/** Takes back a part of a chord that is open: it waits for that again. */
export const withdraw = (draft: Draft, part: Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>): void => {
  const key = chordKey(part)
  const chord = live(draft, 'chords', key)
  if (chord === undefined || !hasReported(draft, part)) return
  draft.setIn('parts', key, part.taskId, undefined)
  set(draft, key, { ...chord, count: chord.count - 1 })
}

/** Complete, and its body is not out yet. */
export const isTaken = (draft: Draft, key: ChordKey): boolean =>
  live(draft, 'chords', chordKey(key))?.taken != null

/** The body is out. */
export const closeChord = (draft: Draft, key: ChordKey): void => {
  const chord = live(draft, 'chords', chordKey(key)) ?? unknown
  set(draft, chordKey(key), { ...chord, taken: null, expiresMs: draft.nowMs + rememberedMs })
}

/** Of these chords, those whose bodies still have to be published. */
export const unpublished = (draft: Draft, keys: readonly ChordKey[]): Omit<Join, 'completion'>[] =>
  keys.flatMap(({ groupId, bodyId }) => {
    const members = live(draft, 'chords', chordKey({ groupId, bodyId }))?.taken
    return members == null ? [] : [{ groupId, bodyId, members }]
  })
