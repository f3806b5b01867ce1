// Random canvases of tasks in both languages, as plain data, up to three deep. What either language writes of them is
// bounded: in Celery chords behind chords multiply (runtime/multiplied.ts), and messages of a hundred MB prove nothing.
import fc from 'fast-check'
import { multipliedIn } from '../../../src/runtime/multiplied.js'
import { build } from './build.js'

export type Side = 'Node' | 'Python'

export interface Task {
  readonly kind: 'task'
  readonly side: Side
  /** No other task of the canvas has it. */
  readonly label: string
  readonly fails?: true
  /** What takes its place; it gets no input. */
  readonly heir?: Work
  /** What it adds to the chord in whose header it stands. */
  readonly adds?: readonly Task[]
}

export interface Row {
  readonly kind: 'chain' | 'group'
  readonly parts: readonly Work[]
}

export interface Chord {
  readonly kind: 'chord'
  readonly parts: readonly Work[]
  readonly body: Work
}

export type Work = Task | Row | Chord

/** A canvas, who sends it, and on how many servers broker and results are. */
export interface Case {
  readonly work: Work
  readonly starts: Side
  readonly servers: 1 | 2
}

const side = fc.constantFrom<Side>('Node', 'Python')
const plain: fc.Arbitrary<Task> = side.map((of) => ({ kind: 'task', side: of, label: '' }))
const failing: fc.Arbitrary<Task> = plain.map((task) => ({ ...task, fails: true }))
/** As one reads it: n for a Node task, p for a Python one. */
export const print = (work: Work): string => {
  const list = (parts: readonly Work[]): string => parts.map(print).join(', ')
  if (work.kind === 'chord') return `chord([${list(work.parts)}], ${print(work.body)})`
  if (work.kind !== 'task') return `${work.kind}(${list(work.parts)})`
  const { label, fails, heir, adds } = work
  const more = [fails && '!', heir && ` => ${print(heir)}`, adds && ` + ${list(adds)}`]
  return label + more.filter(Boolean).join('')
}

const several = <T>(of: fc.Arbitrary<T>, minLength = 1): fc.Arbitrary<T[]> =>
  fc.array(of, { minLength, maxLength: 3 })

/** In the place of a Python task comes a task: of a canvas there Celery loses what was linked to it in some shapes. */
const replaced = (depth: number, failures: boolean): fc.Arbitrary<Task> =>
  fc.oneof(
    fc.tuple(plain, plain).map(([task, heir]) => ({ ...task, heir })),
    one(depth - 1, failures).map((heir): Task => ({ kind: 'task', side: 'Node', label: '', heir })),
  )

const task = (depth: number, failures: boolean): fc.Arbitrary<Task> =>
  fc.oneof(
    { weight: 8, arbitrary: plain },
    ...(depth > 0 ? [{ weight: 2, arbitrary: replaced(depth, failures) }] : []),
    ...(failures ? [{ weight: 1, arbitrary: failing }] : []),
  )

const adding: fc.Arbitrary<Task> = fc
  .tuple(plain, fc.array(plain, { minLength: 1, maxLength: 2 }))
  .map(([adder, adds]) => ({ ...adder, adds }))

/** What ends in one result. */
const one = (depth: number, failures: boolean): fc.Arbitrary<Work> => {
  if (depth <= 0) return task(0, failures)
  const inner = one(depth - 1, failures)
  // (A group of one with something behind it is that one, in both languages.)
  const row = several(inner, 2).map((parts): Row => ({ kind: 'group', parts }))
  const chain = fc
    .tuple(fc.array(fc.oneof(inner, row), { minLength: 1, maxLength: 2 }), inner)
    .map(([first, last]): Row => ({ kind: 'chain', parts: [...first, last] }))
  const member = fc.oneof({ weight: 5, arbitrary: inner }, { weight: 1, arbitrary: adding })
  const chord = fc
    .tuple(several(member), inner)
    .map(([parts, body]): Chord => ({ kind: 'chord', parts, body }))
  return fc.oneof(task(depth, failures), chain, chord)
}

const whole = (failures: boolean): fc.Arbitrary<Work> =>
  failures
    ? one(3, true)
    : fc.oneof(
        { weight: 4, arbitrary: one(3, false) },
        { weight: 1, arbitrary: several(one(2, false)).map((parts): Row => ({ kind: 'group', parts })) },
      )

/** Of what Celery's client starts it tells no failure to a chord further out (docs/interop.md has which). */
const started = fc.constantFrom<readonly [Side, boolean]>(['Node', false], ['Node', true], ['Python', false])

const mostSignatures = 1000

const fits = (work: Work): boolean =>
  multipliedIn(build(work, 'sized') as never, () => false, mostSignatures).length === 0

export const anyCase: fc.Arbitrary<Case> = started.chain(([starts, failures]) =>
  fc.record({
    work: whole(failures).map(labelled).filter(fits),
    starts: fc.constant(starts),
    servers: fc.constantFrom<1 | 2>(1, 2),
  }),
)

/** The same, all of it for Celery. */
export const inPython = (work: Work): Work => {
  const all = (parts: readonly Work[]): readonly Work[] => parts.map(inPython)
  if (work.kind === 'chord') return { ...work, parts: all(work.parts), body: inPython(work.body) }
  if (work.kind !== 'task') return { ...work, parts: all(work.parts) }
  const { heir, adds } = work
  return {
    ...work,
    side: 'Python',
    ...(heir !== undefined && { heir: inPython(heir) }),
    ...(adds !== undefined && { adds: adds.map((added) => inPython(added) as Task) }),
  }
}

export const labelled = (work: Work): Work => {
  let count = 0
  const visit = <T extends Work>(part: T): T => {
    const all = (parts: readonly Work[]): readonly Work[] => parts.map(visit)
    if (part.kind === 'chord') return { ...part, parts: all(part.parts), body: visit(part.body) }
    if (part.kind !== 'task') return { ...part, parts: all(part.parts) }
    const { heir, adds } = part
    return {
      ...part,
      label: `${part.side === 'Node' ? 'n' : 'p'}${(count += 1)}`,
      ...(heir !== undefined && { heir: visit(heir) }),
      ...(adds !== undefined && { adds: adds.map(visit) }),
    }
  }
  return visit(work)
}
