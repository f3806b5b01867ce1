// Random canvases, as plain data: what they are made of, before anything is built of them. Each task has a
// label of its own, so that a run can be told from every other.
import fc from 'fast-check'

/** What a task does: a retry comes before the end. */
export type Way = 'works' | 'fails' | 'retries' | 'gives up' | 'is replaced'

interface Linked {
  /** What runs after success (of a group: after its first member), and after failure. */
  readonly link: readonly Work[]
  readonly linkError: readonly Work[]
}

export interface Task extends Linked {
  readonly kind: 'task'
  readonly label: string
  readonly way: Way
  readonly immutable: boolean
  readonly ignored: boolean
  /** What takes its place; it gets no input. */
  readonly heir?: Work
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

const shapes = fc.letrec<{ work: Work; leaf: Work; links: Linked; follower: Work; heir: Work | undefined }>(
  (tie) => ({
    leaf: fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .record({ way, immutable: seldom(4), ignored: seldom(12), links: tie('links'), heir: tie('heir') })
          .map(({ links, heir, ...task }): Task => {
            const whole: Task = { kind: 'task', label: '', ...task, ...links }
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
    follower: fc.oneof({ depthIdentifier: 'links', maxDepth: 1 }, tie('leaf'), tie('work')),
    links: fc.oneof(
      { depthIdentifier: 'links', maxDepth: 1 },
      { weight: 4, arbitrary: fc.constant<Linked>({ link: [], linkError: [] }) },
      {
        weight: 1,
        arbitrary: fc.record<Linked>({
          link: fc.array(tie('follower'), { maxLength: 2 }),
          linkError: fc.array(tie('follower'), { maxLength: 2 }),
        }),
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
  }),
)

/** The same with a label for each task: where it stands. */
export const labelled = (work: Work, label = 't'): Work => {
  const inner = (name: string, parts: readonly Work[]) =>
    parts.map((part, i) => labelled(part, `${label}${name}${i}`))
  const links = { link: inner('+', work.link), linkError: inner('!', work.linkError) }
  switch (work.kind) {
    case 'chain':
    case 'group':
      return { ...work, ...links, parts: inner(work.kind === 'chain' ? '>' : '|', work.parts) }
    case 'chord':
      return { ...work, ...links, parts: inner('|', work.parts), body: labelled(work.body, `${label}&`) }
    case 'task': {
      const heir = work.heir === undefined ? {} : { heir: labelled(work.heir, `${label}~`) }
      return { ...work, ...links, ...heir, label }
    }
    default:
      return { ...work, ...links, label }
  }
}

const countTasks = (work: Work): number => {
  const more = [...work.link, ...work.linkError]
  const heir = work.kind === 'task' && work.heir !== undefined ? [work.heir] : []
  const parts = 'parts' in work ? work.parts : heir
  const all = work.kind === 'chord' ? [...parts, work.body, ...more] : [...parts, ...more]
  return 1 + all.reduce((sum, part) => sum + countTasks(part), 0)
}

/** Of at most so many nodes, for a canvas copies its callbacks and errbacks. */
export const anyWork = shapes.work.filter((work) => countTasks(work) <= 60).map((work) => labelled(work))
