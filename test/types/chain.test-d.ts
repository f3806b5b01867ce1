// Results flow from step to step.
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { AnySignature, Signature } from '../../src/canvas/signature.js'
import { pipe, signature } from '../../src/canvas/signature.js'
import { same } from './same.js'
import { add, log, none, optional, pair, rest, scale, size, total, upper } from './tasks.js'

// What the chain takes and gives
same(chain(add.s(2, 2), add.s(4), add.s(8))).as<Signature<[], number, 'chain from proj.add'>>()
same(chain(add.s(4), add.s(8))).as<Signature<[x: number], number, 'chain from proj.add'>>()
same(chain(add.s(), add.s(8))).as<Signature<[x: number, y: number], number, 'chain from proj.add'>>()
same(chain([size.s(), add.s(1)])).as<Signature<[text: string], number, 'chain from proj.size'>>()
same(chain(upper.s('a'))).as<Signature<[], string, 'chain from proj.upper'>>()
same(upper.s().pipe(size.s(), add.s(1))).as<Signature<[text: string], number, 'chain from proj.upper'>>()
same(pipe(upper.s(), size.s())).as<Signature<[text: string], number, 'chain from proj.upper'>>()
same(upper.s().pipe()).as<Signature<[text: string], string, 'proj.upper'>>()

// Steps that fit
chain(upper.s('a'), upper.s(), size.s(), scale.s(), optional.s())
chain(add.s(1, 1), scale.s(3))
chain(upper.s('a'), rest.s())
chain(add.s(1, 1), none.si(), add.si(2, 2), add.s(1))
chain(add.s(1, 1), upper.si('x'), size.s())
chain(signature('python.task'), upper.s(), signature('python.other'), add.s(1))
chain(chain(upper.s('a'), size.s()), chain(add.s(1), add.s(2)))
chain(add.s(1, 1), {} as any, upper.s())

// Groups and chords in chains
same(chain(add.s(1, 1), group(add.s(1), optional.s()))).as<
  Signature<[], [number, string], 'chain from proj.add'>
>()
same(chain(add.s(1, 1), group(add.s(1), optional.s()), pair.s())).as<
  Signature<[], boolean, 'chain from proj.add'>
>()
same(group(add.s(1), add.s(2)).pipe(total.s())).as<Signature<[x: number], number, 'chain from group'>>()
same(chord([add.s(1), add.s(2)], total.s()).pipe(add.s(1))).as<
  Signature<[x: number], number, 'chain from chord'>
>()
same(chain(add.s(1, 1), chord([add.s(1), add.s(2)], total.s()), add.s(3))).as<
  Signature<[], number, 'chain from proj.add'>
>()
// A group of one is that task; from a pipe's head it is a group all the same.
chain(add.s(1, 1), group(add.s(1)), add.s(2))
group(add.s(1, 1)).pipe(total.s())

// Chains whose length is not known
declare const many: Signature<[x: number], number>[]
same(chain(many)).as<Signature<[x: number], number, `chain from ${string}`>>()
same(chain(...many)).as<Signature<[x: number], number, `chain from ${string}`>>()
declare const unknown: AnySignature[]
chain(...unknown)

// @ts-expect-error: a chain has steps
chain()
// @ts-expect-error: a chain has steps, in an array too
chain([])
// @ts-expect-error: upper wants a string
chain(add.s(2, 2), upper.s())
// @ts-expect-error: the same in an array
chain([add.s(2, 2), upper.s()])
// @ts-expect-error: the third step is wrong
chain(add.s(2, 2), add.s(4), upper.s())
// @ts-expect-error: two arguments are missing, and one comes from the left
chain(add.s(2, 2), add.s())
// @ts-expect-error: nothing is missing, and one comes from the left
chain(upper.s('a'), none.s())
// @ts-expect-error: void is no string
chain(rest.s('a'), upper.s())
// @ts-expect-error: the chain inside takes a string
chain(add.s(1, 1), chain(upper.s(), size.s()))
// @ts-expect-error: a list is no number
chain(group(add.s(1, 1), add.s(2, 2)), add.s(1))
// @ts-expect-error: the body gets a number and a string
chain(group(add.s(1, 1), upper.s('a')), total.s())
// @ts-expect-error: the second member of the group wants a number
chain(upper.s('a'), group(log.s(), add.s(1)))
// @ts-expect-error: a group of one is that task, and its result no list
chain(group(add.s(1, 1)), total.s())
// @ts-expect-error: the task itself is no signature
chain(add, add.s(1))
// @ts-expect-error: nor is a promise of its result
chain(add.delay(1, 2), add.s(1))
// @ts-expect-error: a number is no signature
chain(add.s(1, 2), 3)
// @ts-expect-error: nothing either
chain(undefined)
// @ts-expect-error: upper wants a string
add.s(2, 2).pipe(upper.s())
// @ts-expect-error: the second of the next steps is wrong
add.s(2, 2).pipe(add.s(1), upper.s())
// @ts-expect-error: upper wants a string
pipe(add.s(2, 2), upper.s())
// @ts-expect-error: a group of unknown size may have one member, and then its result is no list
chain(group([1, 2].map((n) => add.s(n, n))), total.s())
group([1, 2].map((n) => add.s(n, n))).pipe(total.s())
chord(
  [1, 2].map((n) => add.s(n, n)),
  total.s(),
)
