// A random canvas as signatures of real tasks, and what those tasks do: they tell when they start and end, and
// give their label with what came in.
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { chunks, xmap, xstarmap } from '../../../src/canvas/map.js'
import { type AnySignature, signature } from '../../../src/canvas/signature.js'
import { stamp } from '../../../src/canvas/stamp.js'
import type { SignatureJson } from '../../../src/canvas/wire.js'
import { callsOf } from './words.js'
import type { Calls, Task, Way, Work } from './work.js'

/** The last argument of every task: what it is called, and what it does. */
export interface Spec {
  readonly label: string
  readonly way: Way
  /** Weight, so that what would repeat itself goes by reference. */
  readonly ballast?: string
  /** What takes the task's place. */
  readonly heir?: SignatureJson
  /** What it adds to its chord, if it has one. */
  readonly adds?: readonly SignatureJson[]
}

/** `ballast` goes into every task. */
export const build = (work: Work, ballast = ''): AnySignature => {
  let built = bare(work, ballast)
  for (const next of work.link) built = built.link(build(next, ballast))
  for (const errback of work.linkError) built = built.linkError(build(errback, ballast))
  return work.stamped === undefined
    ? built
    : stamp(built, work.stamped.stamps, { append: work.stamped.append })
}

const bare = (work: Work, ballast: string): AnySignature => {
  const inner = (part: Work): AnySignature => build(part, ballast)
  switch (work.kind) {
    case 'task':
      return task(work, ballast)
    case 'chain':
      return chain(work.parts.map(inner))
    case 'group':
      return group(work.parts.map(inner)) as AnySignature
    case 'chord':
      return chord(work.parts.map(inner), inner(work.body)) as AnySignature
    default:
      return map(work)
  }
}

const task = ({ label, way, immutable, ignored, heir, adds = [] }: Task, ballast: string): AnySignature =>
  signature('step', {
    args: [
      {
        label,
        way,
        ...(ballast !== '' && { ballast }),
        ...(heir !== undefined && { heir: build(heir, ballast).toJSON() }),
        ...(adds.length > 0 && { adds: adds.map((added) => build(added, ballast).toJSON()) }),
      } satisfies Spec,
    ],
    immutable,
    ...(ignored && { options: { ignoreResult: true } }),
  })

const map = (work: Calls): AnySignature => {
  const specs = callsOf(work).map(({ label, isBad }): Spec => ({ label, way: isBad ? 'fails' : 'works' }))
  const rows = specs.map((spec) => [spec])
  if (work.kind === 'xmap') return xmap(signature('step'), specs)
  return work.kind === 'xstarmap'
    ? xstarmap(signature('step'), rows)
    : chunks(signature('step'), rows, work.n)
}
