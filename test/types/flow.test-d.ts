// Results flow through every mix of shapes: groups into tasks, groups and chords; optional, default and rest
// parameters; immutables, maps, links, replacements, tasks of Python, and what has no types at all.
import type { App } from '../../src/app.js'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { chunks, xmap } from '../../src/canvas/map.js'
import type { AsyncResult, GroupResult, PendingResult } from '../../src/canvas/sender.js'
import {
  type Anything,
  immutable,
  link,
  linkError,
  type Signature,
  signature,
} from '../../src/canvas/signature.js'
import { same } from './same.js'
import {
  add,
  log,
  none,
  onError,
  onErrorFull,
  optional,
  pair,
  rest,
  scale,
  size,
  total,
  untyped,
  upper,
} from './tasks.js'

declare const app: App
declare const numbers: Signature<[], number>[]
declare const takers: Signature<[x: number], number>[]

// A group into a task
same(
  chain(group(add.s(1, 1), add.s(2, 2)), total.s(), add.s(1))
    .delay()
    .get(),
).as<Promise<number>>()
same(
  chain(group(add.s(1, 1), upper.s('a')), pair.s())
    .delay()
    .get(),
).as<Promise<boolean>>()
same(chain(upper.s('a'), group(size.s(), upper.s()), pair.s()).delay().get()).as<Promise<boolean>>()
same(group(numbers).pipe(total.s(), scale.s()).delay().get()).as<Promise<number>>()
same(chain(group(add.s(1), add.s(2)), total.s())).as<Signature<[x: number], number, 'chain from group'>>()
chain(group(add.s(1, 1), add.s(2, 2)), log.s())
chain(group(add.s(1, 1), add.s(2, 2)), none.si())
// @ts-expect-error: the list has three, pair wants two
chain(group(add.s(1, 1), upper.s('a'), add.s(1, 1)), pair.s())
// @ts-expect-error: the other way round
chain(group(upper.s('a'), add.s(1, 1)), pair.s())
// @ts-expect-error: a list of strings
chain(upper.s('a'), group(upper.s(), upper.s()), total.s())
// @ts-expect-error: the step behind the body
chain(group(add.s(1, 1), add.s(2, 2)), total.s(), upper.s())
// @ts-expect-error: three arguments are missing, and one list comes
group(numbers).pipe(add.s())

// A group into a group
same(
  chain(group(add.s(1, 1), add.s(2, 2)), group(total.s(), log.s()))
    .delay()
    .get(),
).as<Promise<[number, void]>>()
same(
  chain(group(add.s(1, 1), add.s(2, 2)), group(total.s(), total.s()), total.s())
    .delay()
    .get(),
).as<Promise<number>>()
same(group(add.s(1, 1), group(upper.s('a'), group(size.s('b')))).delay()).as<
  PendingResult<[number, string, number], GroupResult<[number, string, number]>>
>()
same(
  group(group(takers), ...takers)
    .delay(1)
    .get(),
).as<Promise<number[]>>()
// @ts-expect-error: the first member of the second group gets a list
chain(group(add.s(1, 1), add.s(2, 2)), group(add.s(1), total.s()))
// @ts-expect-error: the second member gets strings
chain(group(upper.s('a'), upper.s('b')), group(log.s(), total.s()))
// @ts-expect-error: a member of the group within takes a string, the others a number
group(add.s(1), group(add.s(2), upper.s()))

// Chords of tuples and of arrays
same(chord(numbers, total.s())).as<ReturnType<typeof arrayChord>>()
const arrayChord = () => chord(numbers, total.s())
same(chord(takers, total.s()).delay(1).get()).as<Promise<number>>()
same(
  chord([add.s(1, 1), ...numbers], total.s())
    .delay()
    .get(),
).as<Promise<number>>()
same(
  chord([upper.s('a')], rest.si('x'))
    .delay()
    .get(),
).as<Promise<void>>()
same(
  chord([chain(upper.s('a'), size.s()), upper.s('b')], pair.s())
    .delay()
    .get(),
).as<Promise<boolean>>()
same(
  chord([chord([add.s(1, 1)], total.s()), chord([add.s(1, 1)], log.s())], log.s())
    .delay()
    .get(),
).as<Promise<void>>()
same(
  chord([add.s(1, 1), add.s(2, 2)], chain(total.s(), add.s(1), scale.s()))
    .delay()
    .get(),
).as<Promise<number>>()
same(
  chord([add.s(1, 1)], chord([total.s(), total.s()], total.s()))
    .delay()
    .get(),
).as<Promise<number>>()
same(chain(add.s(1, 1), chord(takers, total.s()), add.s(1)).delay().get()).as<Promise<number>>()
// @ts-expect-error: an array of numbers is no pair
chord(numbers, pair.s())
// @ts-expect-error: an array of numbers is no string
chord(numbers, upper.s())
// @ts-expect-error: x is missing in each
void chord(takers, total.s()).delay()
// @ts-expect-error: the body's first step gets a list
chord([add.s(1, 1)], chain(add.s(1), add.s(2)))
// @ts-expect-error: the header's chain takes a string
chain(add.s(1, 1), chord([chain(upper.s(), size.s())], total.s()))
// @ts-expect-error: what the chord gives is no string
chain(chord([add.s(1, 1)], total.s()), upper.s())

// Optional, default and rest parameters
same(chain(add.s(1, 1), optional.s()).delay().get()).as<Promise<string>>()
same(chain(add.s(1, 1), optional.s('y')).delay().get()).as<Promise<string>>()
same(chain(add.s(1, 1), scale.s(), scale.s(3)).delay().get()).as<Promise<number>>()
same(chain(upper.s('a'), rest.s(), none.si()).delay().get()).as<Promise<Date>>()
same(
  chain(upper.s('a'), rest.s(1, 2, 3))
    .delay()
    .get(),
).as<Promise<void>>()
same(optional.signature({ args: ['y'] })).as<Signature<[x: number], string, 'proj.optional'>>()
void scale.delay(1)
void rest.delay('a', 1, 2, 3)
// @ts-expect-error: one comes from the left, and both are given
chain(add.s(1, 1), optional.s(1, 'y'))
// @ts-expect-error: the rest are numbers
chain(upper.s('a'), rest.s('b'))
// @ts-expect-error: the first is a string
chain(add.s(1, 1), rest.s(1))
// @ts-expect-error: a default parameter has its type
scale.s('3')
// @ts-expect-error: the first is not optional
void optional.delay()

// Immutables
same(immutable(add.s(1, 2).link(log.s()))).as<Signature<Anything, number, 'proj.add'>>()
same(chain(upper.s('a'), add.si(1, 2), scale.s()).delay().get()).as<Promise<number>>()
same(immutable(group(add.s(1, 1), upper.s('a')))).as<Signature<Anything, [number, string], 'group'>>()
chord([add.s(1, 1), upper.s('a')], none.si())
void add.si(1, 2).delay('anything', 3)
// @ts-expect-error: what it gives is still a number
chain(upper.s('a'), add.si(1, 2), upper.s())
// @ts-expect-error: all arguments, now
chain(add.s(1, 1), add.si(1))

// pipe
same(
  add
    .s(1, 1)
    .pipe(group(add.s(1), scale.s()), total.s())
    .delay()
    .get(),
).as<Promise<number>>()
same(
  add
    .s(1, 1)
    .pipe(group(add.s(1), optional.s()))
    .delay()
    .get(),
).as<Promise<[number, string]>>()
same(
  chord([add.s(1, 1)], total.s())
    .pipe(add.s(1), optional.s())
    .delay()
    .get(),
).as<Promise<string>>()
same(group(add.s(1, 1), upper.s('a')).pipe(pair.s()).pipe(log.s()).delay().get()).as<Promise<void>>()
// @ts-expect-error: the third step is wrong
add.s(1, 1).pipe(add.s(1), scale.s(), upper.s())
// @ts-expect-error: the body gets a number and a string
group(add.s(1, 1), upper.s('a')).pipe(total.s())

// Maps, starmaps and chunks
same(
  chain(add.s(1, 1), upper.map(['a', 'b']))
    .delay()
    .get(),
).as<Promise<string[]>>()
same(
  chord([scale.map([1, 2]), add.starmap([[1, 2]])], log.s())
    .delay()
    .get(),
).as<Promise<void>>()
same(
  chain(add.starmap([[1, 2]]), total.s(), add.s(1))
    .delay()
    .get(),
).as<Promise<number>>()
same(
  group(upper.map(['a']), add.chunks([[1, 2]], 1))
    .delay()
    .get(),
).as<Promise<[string[], number[][]]>>()
chain(add.chunks([[1, 2]], 2), log.s())
rest.starmap([['a'], ['b', 1, 2]])
xmap(optional.s(), [1, 2])
// @ts-expect-error: chunks give a list for each chunk
chain(add.chunks([[1, 2]], 2), total.s())
// @ts-expect-error: a list of strings
chain(upper.map(['a']), total.s())
// @ts-expect-error: the rest are numbers
rest.starmap([['a', 'b']])
// @ts-expect-error: the size of a chunk is a number
chunks(add.s(), [[1, 2]], '2')

// Callbacks and errbacks, on every kind of signature
same(link(add.s(1, 1), optional.s())).as<Signature<[], number, 'proj.add'>>()
same(linkError(chain(add.s(1), scale.s()), onError.s())).as<
  Signature<[x: number], number, 'chain from proj.add'>
>()
chain(add.s(1, 1), upper.si('x')).link(size.s())
chord([add.s(1, 1)], total.s()).link(group(add.s(1), log.s()))
group(add.s(1, 1), upper.s('a')).linkError(onErrorFull.s())
upper.map(['a']).link(log.s()).linkError(onError.s())
add.s(1, 1).link(chain(scale.s(), chord([add.s(1)], total.s())))
// @ts-expect-error: what the chain gives is a string
chain(add.s(1, 1), upper.si('x')).link(add.s(1))
// @ts-expect-error: what the chord gives is a number
chord([add.s(1, 1)], total.s()).link(upper.s())
// @ts-expect-error: the second member of the callback takes a string
add.s(1, 1).link(group(add.s(1), upper.s()))
// @ts-expect-error: what the map gives is a list of strings
upper.map(['a']).link(upper.s())
// @ts-expect-error: an errback is given an id
group(add.s(1, 1)).linkError(total.s())
// @ts-expect-error: the errback of a chord, too
chord([add.s(1, 1)], total.s()).linkError(add.s(1, 1))

// Inside a task: what replaces it gives what it gives
app.task('proj.replaced', function (x: number): number {
  return this.replace(chain(add.s(x, 1), scale.s()))
})
app.task('proj.later', async function (x: number): Promise<string> {
  if (x > 3) return this.replace(upper.s('big'))
  return 'small'
})
app.task('proj.pairs', function (): [number, string] {
  return this.replace(group(add.s(1, 1), upper.s('a')))
})
app.task('proj.header', function () {
  same(this.addToChord(add.s(1, 1))).as<AsyncResult<number>>()
  same(this.replace(signature('python.task'))).as<any>()
})
same(
  app
    .task('proj.by', function (x: number) {
      return this.replace(optional.s(x))
    })
    .s(),
).as<Signature<[x: number], string, 'proj.by'>>()
app.task('proj.wrong', function (x: number): number {
  // @ts-expect-error: a string in the place of a number
  return this.replace(upper.s(String(x)))
})
app.task('proj.wrongGroup', function (): number {
  // @ts-expect-error: a list in the place of a number
  return this.replace(group(add.s(1, 1), add.s(2, 2)))
})

// Tasks as an app makes them: their types follow from the code
const scaled = app.task('proj.scaled', (x: number, factor = 2) => x * factor)
const fetched = app.task('proj.fetched', async function (url: string) {
  return [url, this.request.id] as const
})
same(scaled.s()).as<Signature<[x: number, factor?: number], number, 'proj.scaled'>>()
same(scaled(2, 3)).as<number>()
same(fetched('x')).as<Promise<readonly [string, string]>>()
same(chain(upper.s('a'), fetched.s()).delay().get()).as<Promise<readonly [string, string]>>()
// @ts-expect-error: the code takes a number
chain(upper.s('a'), scaled.s())
// @ts-expect-error: the direct call is typed as well
scaled('2')

// Declared: the code is in Python, the types are here
const mul = app.declare<(x: number, y: number) => number>('py.mul', { params: ['x', 'y'] })
const parse = app.declare<(text: string, base?: number) => number>('py.parse')
same(mul.s(2)).as<Signature<[x: number], number>>()
same(chain(add.s(1, 1), mul.s(2), scale.s()).delay().get()).as<Promise<number>>()
same(
  chord([mul.s(1, 2), parse.s('3')], total.s())
    .delay()
    .get(),
).as<Promise<number>>()
void mul.applyAsync([], { kwargs: { x: 1, y: 2 } })
// @ts-expect-error: it takes a string
chain(mul.s(1, 2), parse.s())
// @ts-expect-error: declared with two
mul.s(1, 2, 3)

// Without types: anything goes in, and comes out
same(signature('python.task').delay().get()).as<Promise<any>>()
same(chain(signature('python.a'), add.s(1)).delay().get()).as<Promise<number>>()
same(chain(add.s(1, 1), signature('python.b')).delay().get()).as<Promise<any>>()
same(
  chord([signature('python.a'), add.s(1, 1)], signature('python.b'))
    .delay()
    .get(),
).as<Promise<any>>()
same(group(signature('python.a'), add.s(1, 1)).delay().get()).as<Promise<[any, number]>>()
chain(untyped.s(), upper.s(), untyped.s(1, 2), add.s(1))
// @ts-expect-error: what is typed is checked behind it all the same
chain(signature('python.a'), add.s(1), upper.s())
