// Canvases as deep as one likes: one shape in itself, again and again, or all shapes in turn.
import type { Task, Way, Work } from './work.js'

type Linked = Partial<Pick<Task, 'link' | 'linkError'>>

/** Puts a canvas into one more level of a shape; `label` begins the labels of what is around it. */
export type Around = (inner: Work, label: string) => Work

const task = (label: string, way: Way = 'works', { link = [], linkError = [] }: Linked = {}): Task => ({
  kind: 'task',
  label,
  way,
  immutable: false,
  ignored: false,
  link,
  linkError,
})

const chain = (...parts: Work[]): Work => ({ kind: 'chain', parts, link: [], linkError: [] })
const group = (...parts: Work[]): Work => ({ kind: 'group', parts, link: [], linkError: [] })
const chord = (parts: Work[], body: Work): Work => ({ kind: 'chord', parts, body, link: [], linkError: [] })

const simple = {
  chains: (inner, n) => chain(task(`${n}a`), inner),
  'groups in chains': (inner, n) => chain(task(`${n}a`), group(inner, task(`${n}b`)), task(`${n}c`)),
  headers: (inner, n) => chord([inner, task(`${n}a`)], task(`${n}b`)),
  bodies: (inner, n) => chord([task(`${n}a`), task(`${n}b`)], inner),
  callbacks: (inner, n) => task(`${n}a`, 'works', { link: [inner] }),
  errbacks: (inner, n) => task(`${n}a`, 'fails', { linkError: [inner] }),
} satisfies Record<string, Around>

const inTurn =
  (...all: Around[]): Around =>
  (inner, n) =>
    (all[Number(n.slice(1)) % all.length] as Around)(inner, n)

const { callbacks, errbacks, ...rest } = simple

export const shapes: Readonly<Record<string, Around>> = {
  ...simple,
  'callbacks and errbacks': inTurn(callbacks, errbacks),
  'all of them': inTurn(...Object.values(rest), callbacks),
  'all of them, behind failures': inTurn(
    ...Object.values(rest),
    (inner, n) => chain(task(`${n}a`), task(`${n}b`, 'fails', { linkError: [inner] }), task(`${n}c`)),
    (inner, n) => chord([task(`${n}a`), errbacks(inner, n.replace('d', 'e'))], task(`${n}c`)),
  ),
}

export const nested = (around: Around, depth: number): Work =>
  Array.from({ length: depth }).reduce<Work>((inner, _, at) => around(inner, `d${at}`), task('bottom'))
