// Random canvases, as plain data: what they are made of, before anything is built of them. Each task has a
// label of its own, so that a run can be told from every other.
import fc from 'fast-check'
import { addedMark } from './words.js'

/** What a task does: a retry comes before the end. */
export type Way = 'works' | 'fails' | 'retries' | 'gives up' | 'is replaced'

/** What is said of all tasks in a part of a canvas. `append`: beside what is said already, not in its place. */
export interface Stamped {
  readonly stamps: Readonly<Record<string, string | readonly string[]>>
  readonly append: boolean
}

interface Linked {
  /** What runs after success (of a group: after its first member), and after failure. */
  readonly link: readonly Work[]
  readonly linkError: readonly Work[]
  readonly stamped?: Stamped
}

export interface Task extends Linked {
  readonly kind: 'task'
  readonly label: string
  readonly way: Way
  readonly immutable: boolean
  readonly ignored: boolean
  /** What takes its place; it gets no input. */
  readonly heir?: Work
  /** What it adds to the chord in whose header it stands, if it stands in one: in each of its tries. */
  readonly adds?: readonly Work[]
}

/** Calls in one message, or in messages of `n`; the call of the number `bad` fails. */
export interface Calls extends Linked {
  readonly kind: 'xmap' | 'xstarmap' | 'chunks'
  readonly label: string
  readonly count: number
  /** Where its calls start to be counted. */
  readonly first?: number
  readonly bad: number
  readonly n: number
}

export interface Row extends Linked {
  readonly kind: 'chain' | 'group'
  readonly parts: readonly Work[]
}

export interface Chord extends Linked {
  readonly kind: 'chord'
  readonly parts: readonly Work[]
  readonly body: Work
}

export type Work = Task | Calls | Row | Chord

/** One in so many. */
const seldom = (many: number) => fc.integer({ min: 1, max: many }).map((dice) => dice === many)

const way = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Way>('works') },
  { weight: 2, arbitrary: fc.constant<Way>('fails') },
  { weight: 1, arbitrary: fc.constant<Way>('retries') },
  { weight: 1, arbitrary: fc.constant<Way>('gives up') },
)

const stampValue = fc.oneof(
  fc.constantFrom('a', 'b'),
  fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
)
const stamped = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record<Stamped>({
      stamps: fc.dictionary(fc.constantFrom('run', 'tenant'), stampValue, {
        minKeys: 1,
        noNullPrototype: true,
      }),
      append: seldom(3),
    }),
  },
)

type Shapes = {
  work: Work
  leaf: Work
  links: Linked
  follower: Work
  heir: Work | undefined
  adds: readonly Work[]
}

const shapes = fc.letrec<Shapes>((tie) => ({
  leaf: fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .record({
          way,
          immutable: seldom(4),
          ignored: seldom(12),
          links: tie('links'),
          heir: tie('heir'),
          adds: tie('adds'),
        })
        .map(({ links, heir, adds, ...task }): Task => {
          const whole: Task = {
            kind: 'task',
            label: '',
            ...task,
            ...links,
            adds: sure(adds, heir === undefined),
          }
          return heir === undefined ? whole : { ...whole, way: 'is replaced', heir }
        }),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({
          kind: fc.constantFrom('xmap' as const, 'xstarmap' as const, 'chunks' as const),
          count: fc.integer({ min: 1, max: 4 }),
          bad: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, fc.nat(3)),
          n: fc.integer({ min: 1, max: 3 }),
          links: tie('links'),
        })
        .map(({ links, ...calls }): Calls => ({ label: '', ...calls, ...links })),
    },
  ),
  heir: fc.oneof(
    { depthIdentifier: 'heirs', maxDepth: 2 },
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: tie('work') },
  ),
  adds: fc.oneof(
    { depthIdentifier: 'adds', maxDepth: 2 },
    { weight: 8, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(tie('work'), { minLength: 1, maxLength: 2 }) },
  ),
  follower: fc.oneof({ depthIdentifier: 'links', maxDepth: 1 }, tie('leaf'), tie('work')),
  links: fc.oneof(
    { depthIdentifier: 'links', maxDepth: 1 },
    { weight: 4, arbitrary: stamped.map((given): Linked => ({ link: [], linkError: [], ...said(given) })) },
    {
      weight: 1,
      arbitrary: fc
        .record({
          link: fc.array(tie('follower'), { maxLength: 2 }),
          linkError: fc.array(tie('follower'), { maxLength: 2 }),
          given: stamped,
        })
        .map(({ given, ...links }): Linked => ({ ...links, ...said(given) })),
    },
  ),
  work: fc.oneof(
    { depthIdentifier: 'work', maxDepth: 4, depthSize: 'medium' },
    tie('leaf'),
    fc
      .record({
        kind: fc.constantFrom('chain' as const, 'group' as const),
        parts: fc.array(tie('work'), { minLength: 1, maxLength: 4, depthIdentifier: 'work' }),
        links: tie('links'),
      })
      .map(({ links, ...row }): Row => ({ ...row, ...links })),
    fc
      .record({
        parts: fc.array(tie('work'), { minLength: 1, maxLength: 3, depthIdentifier: 'work' }),
        body: tie('work'),
        links: tie('links'),
      })
      .map(({ links, ...chord }): Chord => ({ kind: 'chord', ...chord, ...links })),
  ),
}))

const said = (given: Stamped | undefined) => (given === undefined ? {} : { stamped: given })

/**
 * What was added stands beside who added it, in no order. So that it is known which failure the chord tells of, only one
 * of them may fail: one that is added, or what is in the place of who added it.
 */
const sure = (adds: readonly Work[], oneMayFail: boolean): readonly Work[] =>
  adds.map((work, i) => (oneMayFail && i === 0 ? work : everyPart(work, succeeding)))

const succeeding = (work: Work): Work => {
  if (work.kind === 'task')
    return work.way === 'fails' || work.way === 'gives up' ? { ...work, way: 'works' } : work
  return 'bad' in work ? { ...work, bad: -1 } : work
}

/** With another one in the place of each part, from the inside out. */
const everyPart = (work: Work, change: (part: Work) => Work): Work =>
  change(partsIn(work, (part) => everyPart(part, change)))

/** `each` is told how a part stands in what is around it. */
const partsIn = <W extends Work>(work: W, each: (part: Work, place: string) => Work): W => {
  const all = (place: string, parts: readonly Work[]) => parts.map((part, i) => each(part, `${place}${i}`))
  const links = { link: all('+', work.link), linkError: all('!', work.linkError) }
  switch (work.kind) {
    case 'chain':
    case 'group':
      return { ...work, ...links, parts: all(work.kind === 'chain' ? '>' : '|', work.parts) }
    case 'chord':
      return { ...work, ...links, parts: all('|', work.parts), body: each(work.body, '&') }
    case 'task':
      return {
        ...work,
        ...links,
        ...(work.heir !== undefined && { heir: each(work.heir, '~') }),
        ...(work.adds !== undefined && { adds: all(addedMark, work.adds) }),
      }
    default:
      return { ...work, ...links }
  }
}

/** The same with a label for each task: where it stands. */
export const labelled = (work: Work, label = 't'): Work => {
  const inside = partsIn(work, (part, place) => labelled(part, label + place))
  return 'label' in inside ? { ...inside, label } : inside
}

const countTasks = (work: Work): number => {
  let count = 1
  partsIn(work, (part) => {
    count += countTasks(part)
    return part
  })
  return count
}

/** Of at most so many nodes, for a canvas copies its callbacks and errbacks. */
export const anyWork = shapes.work.filter((work) => countTasks(work) <= 60).map((work) => labelled(work))
