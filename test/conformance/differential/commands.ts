// What happens in a sequence, as data that fast-check makes and shrinks: who does what, with numbers that are taken
// modulo whatever there is to choose from.
import fc from 'fast-check'

/** How a run ends. */
const ways = ['success', 'success', 'success', 'edges', 'edges', 'failure', 'retry', 'ignored'] as const
const otherWays = ['requeue', 'back', 'defer', 'park', 'dead'] as const

export interface End {
  readonly pick: number
  readonly way: (typeof ways)[number] | (typeof otherWays)[number]
  /** Bits: what follows from it. */
  readonly edges: number
  /** Which task is next. */
  readonly next: number
  /** Units that its result lives; 0 for ever. */
  readonly expires: number
}

const end: fc.Arbitrary<End> = fc.record({
  pick: fc.nat(7),
  way: fc.constantFrom(...ways, ...ways, ...otherWays),
  edges: fc.nat(127),
  next: fc.nat(63),
  expires: fc.constantFrom(0, 10, 50),
})

const worker = fc.nat(2)
const lane = fc.nat(1)
const pick = fc.nat(7)
const isLost = fc.constantFrom(false, false, false, true)
const slots = fc.nat(4)
const queue = fc.nat(1)

const kinds = {
  publish: {
    tasks: fc.array(fc.nat(1023), { minLength: 1, maxLength: 4 }),
    sender: fc.nat(1),
    /** The same once more: its answer was lost. */
    again: isLost,
  },
  /** Header messages of one chord, or of two at once. */
  chord: { tasks: fc.array(fc.nat(1023), { minLength: 1, maxLength: 3 }), two: fc.boolean() },
  /** The only header message of a chord, sent twice: two may hold it when it has been counted. */
  twins: { task: fc.nat(63), first: worker },
  /** A message that was sent before is sent by somebody else. */
  duplicate: { pick: fc.nat(31) },
  step: { worker, lane, ends: fc.array(end, { maxLength: 3 }), slots, lost: isLost, turn: fc.boolean() },
  wait: { worker, slots },
  resend: { worker, lane },
  copy: { pick },
  /** What has ended is ended once more, by a call of its own. */
  repeat: { worker, lane, pick },
  note: { worker, pick, lost: isLost },
  admit: { worker, pick, lost: isLost },
  release: { worker, pick, lost: isLost },
  store: { worker, pick, expires: fc.constantFrom(0, 10, 50) },
  /** Its lease ends while it lives, or with it. */
  lapse: { worker, dies: fc.boolean() },
  renew: { worker },
  leave: { worker },
  reap: {},
  promote: { queue, most: fc.constantFrom(1, 2, 100) },
  pull: { worker, queue, task: fc.nat(1), slots },
  /** The second task may make up for a delay. */
  permit: { task: fc.nat(1), wanted: fc.nat(3) },
  revoke: {
    ids: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
    stamps: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
  },
  purge: { queue },
  revive: { pick },
  purgeDead: { picks: fc.option(fc.array(pick, { maxLength: 2 })) },
  recall: {},
  /** In units; the last is more than a day. */
  jump: { units: fc.constantFrom(20, 20, 20, 60, 60, 1000) },
} as const

type Values<T> = { readonly [K in keyof T]: T[K] extends fc.Arbitrary<infer V> ? V : never }

export type Command = {
  [K in keyof typeof kinds]: { readonly kind: K } & Values<(typeof kinds)[K]>
}[keyof typeof kinds]

const weights: Partial<Record<Command['kind'], number>> = {
  step: 14,
  publish: 3,
  chord: 3,
  twins: 2,
  note: 5,
  reap: 2,
}

const command = fc.oneof(
  ...Object.entries(kinds).map(([kind, fields]) => ({
    weight: weights[kind as Command['kind']] ?? 1,
    arbitrary: fc.record({ kind: fc.constant(kind), ...fields }),
  })),
) as unknown as fc.Arbitrary<Command>

export interface Sequence {
  /** Concurrency keys are kept, or nobody looks at them. */
  readonly gated: boolean
  readonly commands: readonly Command[]
}

export const anySequence: fc.Arbitrary<Sequence> = fc.record({
  gated: fc.boolean(),
  commands: fc.array(command, { maxLength: 60, size: 'max' }),
})
