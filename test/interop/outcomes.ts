// Every way in which the work of both languages can end: shape × what happens × who starts × who runs the last
// part. The canvases are data that either language builds. docs/interop.md has the same table, row for row.

export type Side = 'Node' | 'Python'

export type Work =
  | {
      readonly task: string
      readonly args: readonly unknown[]
      readonly queue: string
      readonly immutable?: true
      readonly id?: string
      readonly expires?: true
    }
  | { readonly chain: readonly Work[] }
  | { readonly group: readonly Work[] }
  | { readonly chord: readonly Work[]; readonly body: Work }

export interface Outcome {
  readonly shape: string
  readonly happens: string
  readonly starts: Side
  readonly last: Side
  /** What whoever waits gets: a value, or a word of the error. undefined: it waits for ever. */
  readonly gives: unknown
  readonly fails: boolean
  /** How often the errback is called: of a chord in the header it is an errback, too. */
  readonly told: number
  /** A name for this run, without blanks. */
  readonly key: string
  /** An id that is revoked before. */
  readonly revoked: string | undefined
  readonly work: Work
}

const prefixes = { Node: 'js', Python: 'proj' } as const
const queues = { Node: 'js', Python: 'python' } as const
const others = { Node: 'Python', Python: 'Node' } as const

const run = (side: Side, name: string, ...args: readonly unknown[]): Work & { readonly task: string } => ({
  task: `${prefixes[side]}.${name}`,
  args,
  queue: queues[side],
})

const sum = (side: Side): Work => run(side, side === 'Node' ? 'sum' : 'tsum')
/** Ends when so many other parts of its chord are in. */
const last = (side: Side, parts: number): Work => run(side, 'after', 10, parts)
const add = (side: Side, ...args: readonly number[]): Work => run(side, 'add', ...args)

const shapes: readonly {
  readonly shape: string
  readonly isChord: boolean
  /** `step` is what may go wrong: as the first one it gives 2, behind another one it adds 1 or says no. */
  readonly build: (step: (isFirst: boolean) => Work, side: Side) => Work
  readonly value: unknown
}[] = [
  {
    shape: 'a chain',
    isChord: false,
    build: (step, side) => ({ chain: [add(others[side], 1, 1), step(false), add(side, 10)] }),
    value: 13,
  },
  {
    shape: 'a group',
    isChord: false,
    build: (step, side) => ({ group: [step(true), add(others[side], 2, 2), add(side, 3, 3)] }),
    value: [2, 4, 6],
  },
  {
    shape: 'a chord',
    isChord: true,
    build: (step, side) => ({
      chord: [step(true), add('Node', 2, 2), add('Python', 3, 3), last(side, 3)],
      body: sum(others[side]),
    }),
    value: 22,
  },
  {
    shape: 'a header chain: a step that Node sends',
    isChord: true,
    build: (step, side) => ({
      chord: [
        { chain: [add('Node', 1, 1), step(false), add('Node', 5)] },
        add('Python', 2, 2),
        last(side, 2),
      ],
      body: sum(others[side]),
    }),
    value: 22,
  },
  {
    shape: 'a header chain: a step that Python sends',
    isChord: true,
    build: (step, side) => ({
      chord: [
        { chain: [add('Python', 1, 1), step(false), add('Python', 5)] },
        add('Node', 2, 2),
        last(side, 2),
      ],
      body: sum(others[side]),
    }),
    value: 22,
  },
  {
    shape: 'a chord in the header, its last part run by the same side',
    isChord: true,
    build: (step, side) => ({
      chord: [
        { chord: [step(true), add(others[side], 1, 1), last(side, 2)], body: sum(others[side]) },
        add('Node', 2, 2),
        add('Python', 2, 2),
        last(side, 3),
      ],
      body: sum(side),
    }),
    value: 32,
  },
]

const ends = ['fails', 'expires', 'is revoked', 'is unknown'] as const
const words = {
  fails: 'ValueError',
  expires: 'TaskRevokedError',
  'is revoked': 'TaskRevokedError',
  'is unknown': 'NotRegistered|registered',
} as const

/** A step that comes to this end; `id` is one that is revoked. */
const stepOf =
  (side: Side, end: (typeof ends)[number], id: string) =>
  (isFirst: boolean): Work => {
    if (end === 'fails') return { ...run(side, 'fail', 'ValueError'), immutable: true }
    if (end === 'is unknown') return run(side, 'nobody', 1)
    const step = isFirst ? run(side, 'add', 1, 1) : run(side, 'add', 1)
    return end === 'expires' ? { ...step, expires: true } : { ...step, id }
  }

/** What nobody can know, with the reasons in docs/interop.md. */
const isHopeless = (shape: string, side: Side, end: string, starts: Side, by: Side): boolean => {
  const isSilent = side === 'Python' && end !== 'fails'
  if (shape === 'a chain' || shape === 'a group' || starts === 'Node') return false
  switch (shape) {
    case 'a chord':
      return side === 'Python' && end === 'is unknown'
    case 'a header chain: a step that Node sends':
      return false
    case 'a header chain: a step that Python sends':
      return isSilent
    default:
      return by === 'Python' || (side === 'Python' && end === 'is unknown')
  }
}

const sides = ['Node', 'Python'] as const

export const outcomes: readonly Outcome[] = shapes.flatMap(({ shape, isChord, build, value }, at) =>
  sides.flatMap((starts) =>
    sides.flatMap((by): readonly Outcome[] => {
      const about = { shape, starts, last: by }
      const key = (end: string): string => `outcome-${at}-${starts}-${by}-${end.replaceAll(' ', '-')}`
      const good: Outcome = {
        ...about,
        happens: 'all goes well',
        gives: value,
        fails: false,
        told: 0,
        key: key('well'),
        revoked: undefined,
        work: build((isFirst) => (isFirst ? add(by, 1, 1) : add(by, 1)), by),
      }
      const bad = sides.flatMap((side) =>
        ends.map((end): Outcome => {
          const name = key(`${side} ${end}`)
          return {
            ...about,
            happens: `a ${side} task ${end}`,
            gives: isHopeless(shape, side, end, starts, by)
              ? undefined
              : isChord
                ? `ChordError ${words[end]}`
                : words[end],
            fails: true,
            told: shape.startsWith('a chord in the header') ? 2 : 1,
            key: name,
            revoked: end === 'is revoked' ? `${name}-id` : undefined,
            work: build(stepOf(side, end, `${name}-id`), by),
          }
        }),
      )
      return [good, ...bad]
    }),
  ),
)
