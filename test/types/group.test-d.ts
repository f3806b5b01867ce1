// Groups, chords and maps.
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { chunks, xmap, xstarmap } from '../../src/canvas/map.js'
import type { AsyncResult, GroupResult, PendingResult } from '../../src/canvas/sender.js'
import type { Anything, Signature } from '../../src/canvas/signature.js'
import { signature } from '../../src/canvas/signature.js'
import { same } from './same.js'
import { add, log, none, onError, onErrorFull, optional, pair, size, total, upper } from './tasks.js'

// A group gives what its members give, in their order
same(group(add.s(1, 1), upper.s('a')).delay()).as<
  PendingResult<[number, string], GroupResult<[number, string]>>
>()
same(
  group([add.s(1, 1), add.s(2, 2)])
    .delay()
    .get(),
).as<Promise<[number, number]>>()
same(group().delay().get()).as<Promise<[]>>()
same(
  group(add.s(1, 1), group(upper.s('a'), size.s('b')))
    .delay()
    .get(),
).as<Promise<[number, string, number]>>()
same(
  group(add.s(1, 1), chain(add.s(1, 1), group(add.s(1), optional.s())))
    .delay()
    .get(),
).as<Promise<[number, [number, string]]>>()
declare const many: Signature<[], number>[]
same(group(many).delay().get()).as<Promise<number[]>>()
same(
  group(...many)
    .delay()
    .get(),
).as<Promise<number[]>>()
same(group(add.s(1, 1)).set({ queue: 'q' }).delay().get()).as<Promise<[number]>>()

// Its members get the same arguments
void group(add.s(1), add.si(2, 2)).delay(10)
void group(add.s(1), optional.s()).delay(10)
void group(add.s(1), signature('python.task')).delay(10)
// @ts-expect-error: x is missing in both
void group(add.s(1), add.s(2)).delay()
// @ts-expect-error: a string is no number
void group(add.s(1), add.s(2)).delay('10')
// @ts-expect-error: no argument fits a number and a string
group(add.s(1), upper.s())
// @ts-expect-error: nothing is missing in the one, and x in the other
group(add.s(1, 1), add.s(1))
// @ts-expect-error: the task itself is no signature
group(add.s(1, 1), none)
// @ts-expect-error: in an array neither
group([add.s(1, 1), none])

// A chord gives what its body gives
same(chord([add.s(1, 1), add.s(2, 2)], total.s())).as<ReturnType<typeof summed>>()
declare function summed(): ReturnType<typeof chordOfTwo>
const chordOfTwo = () => chord([add.s(1, 1), add.s(2, 2)], total.s())
same(chordOfTwo().delay()).as<PendingResult<number, AsyncResult<number>>>()
same(
  chord([add.s(1, 1), upper.s('a')], pair.s())
    .delay()
    .get(),
).as<Promise<boolean>>()
same(
  chord(group(add.s(1, 1), upper.s('a')), pair.s())
    .delay()
    .get(),
).as<Promise<boolean>>()
same(
  chord([group(add.s(1, 1)), upper.s('a')], pair.s())
    .delay()
    .get(),
).as<Promise<boolean>>()
same(chord(many, total.s()).delay().get()).as<Promise<number>>()
same(chord([], total.s()).delay().get()).as<Promise<number>>()
same(
  chord([add.s(1, 1)], group(total.s(), total.s()))
    .delay()
    .get(),
).as<Promise<[number, number]>>()
void chord([add.s(1), add.s(2)], total.s()).delay(10)
chord([add.s(1, 1)], signature('python.body'))
chord([signature('python.task'), upper.s('a')], pair.s())
// @ts-expect-error: upper wants a string, and gets a list
chord([add.s(1, 1)], upper.s())
// @ts-expect-error: total wants numbers, and gets strings
chord([upper.s('a')], total.s())
// @ts-expect-error: pair wants two
chord([add.s(1, 1)], pair.s())
// @ts-expect-error: the order matters
chord([upper.s('a'), add.s(1, 1)], pair.s())
// @ts-expect-error: the second member of the body wants numbers
chord([upper.s('a')], group(log.s(), total.s()))
// @ts-expect-error: the task itself is no signature
chord([add], total.s())
// @ts-expect-error: nor is it a body
chord([add.s(1, 1)], total)
// @ts-expect-error: x is missing in both
void chord([add.s(1), add.s(2)], total.s()).delay()

// link and linkError
same(add.s(1).link(add.s(2))).as<Signature<[x: number], number, 'proj.add'>>()
add
  .s(1)
  .link(add.si(1, 1))
  .link(signature('python.task'))
  .link(chain(add.s(1), add.s(2)))
group(add.s(1), add.s(2)).link(upper.si('x'))
chord([add.s(1, 1)], total.s())
  .link(add.s(1))
  .linkError(onError.s())
add.s(1).linkError(onError.s()).linkError(onErrorFull.s()).linkError(none.si())
// @ts-expect-error: upper wants a string, and gets a number
add.s(1).link(upper.s())
// @ts-expect-error: the task itself is no signature
add.s(1).link(add)
// @ts-expect-error: an errback gets the id, a string
add.s(1).linkError(add.s(1))
// @ts-expect-error: one that takes nothing must be immutable
add.s(1).linkError(none.s())
// @ts-expect-error: the task itself is no signature
add.s(1).linkError(onError)

// Maps call the task with each item
same(upper.map(['a', 'b'])).as<Signature<Anything, string[], 'map of proj.upper'>>()
same(optional.map([1, 2])).as<Signature<Anything, string[], 'map of proj.optional'>>()
same(add.starmap([[1, 2]])).as<Signature<Anything, number[], 'map of proj.add'>>()
same(add.chunks([[1, 2]], 10)).as<Signature<Anything, number[][], 'chunks of proj.add'>>()
same(xmap(upper.s(), ['a'])).as<Signature<Anything, string[], 'map of proj.upper'>>()
same(xstarmap(add.s(), [[1, 2]])).as<Signature<Anything, number[], 'map of proj.add'>>()
same(chunks(add.s(), [[1, 2]], 2)).as<Signature<Anything, number[][], 'chunks of proj.add'>>()
xmap(signature('python.task'), [1, 'two'])
chain(add.starmap([[1, 2]]), total.s())
// @ts-expect-error: upper wants strings
upper.map([1])
// @ts-expect-error: one argument is not enough
add.map([1])
// @ts-expect-error: upper wants strings
xmap(upper.s(), [1])
// @ts-expect-error: each row is all the arguments
add.starmap([[1]])
// @ts-expect-error: a string is no number
xstarmap(add.s(), [[1, '2']])
// @ts-expect-error: how many at a time?
add.chunks([[1, 2]])
// @ts-expect-error: a string is no number
chunks(add.s(), [['1', 2]], 2)
// @ts-expect-error: the task itself is no signature
xmap(upper, ['a'])

// Results
same(add.delay(1, 2)).as<PendingResult<number>>()
same(await add.delay(1, 2)).as<AsyncResult<number>>()
same(add.delay(1, 2).get({ timeout: 10 })).as<Promise<number>>()
same(add.delay(1, 2).get({ propagate: false })).as<Promise<number | Error>>()
same(none.delay().get()).as<Promise<Date>>()
const failures = await group(add.s(1, 1), upper.s('a')).delay().get({ propagate: false })
same(failures).as<[number, string] | [number | Error, string | Error] | Error>()
// @ts-expect-error: seconds, not text
void add.delay(1, 2).get({ timeout: '10' })
