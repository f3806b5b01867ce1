// What may be given as partial arguments, and what is then still missing.
import type { Anything, Signature } from '../../src/canvas/signature.js'
import { clone, immutable, set, signature } from '../../src/canvas/signature.js'
import { same } from './same.js'
import { add, fetchUrl, none, optional, rest, scale, untyped, upper } from './tasks.js'

// s: arguments are given from the right
same(add.s()).as<Signature<[x: number, y: number], number, 'proj.add'>>()
same(add.s(4)).as<Signature<[x: number], number, 'proj.add'>>()
same(add.s(2, 2)).as<Signature<[], number, 'proj.add'>>()
same(optional.s()).as<Signature<[x: number, y?: string], string, 'proj.optional'>>()
same(optional.s(4)).as<Signature<[], string, 'proj.optional'>>()
same(optional.s('y')).as<Signature<[x: number], string, 'proj.optional'>>()
same(optional.s(4, 'y')).as<Signature<[], string, 'proj.optional'>>()
same(scale.s()).as<Signature<[x: number, factor?: number], number, 'proj.scale'>>()
same(scale.s(4)).as<Signature<[] | [x: number], number, 'proj.scale'>>()
same(rest.s()).as<Signature<[first: string, ...others: number[]], void, 'proj.rest'>>()
same(rest.s(1, 2)).as<Signature<[string, ...number[]], void, 'proj.rest'>>()
same(rest.s('a', 1)).as<Signature<[], void, 'proj.rest'>>()
same(none.s()).as<Signature<[], Date, 'proj.none'>>()
same(fetchUrl.s()).as<Signature<[url: string], string, 'proj.fetchUrl'>>()
same(untyped.s(1, 'two')).as<Signature<any[], any, string>>()
// @ts-expect-error: a string is no number
add.s('4')
// @ts-expect-error: more arguments than parameters
add.s(1, 2, 3)
// @ts-expect-error: a number cannot be the last argument behind a rest of numbers and a string
rest.s(1, 'a')
// @ts-expect-error: takes nothing
none.s(1)

// si: all of them, and nothing from the left
same(add.si(2, 2)).as<Signature<Anything, number, 'proj.add'>>()
same(optional.si(2)).as<Signature<Anything, string, 'proj.optional'>>()
same(scale.si(2)).as<Signature<Anything, number, 'proj.scale'>>()
// @ts-expect-error: an immutable signature gets no more arguments, so y is missing for ever
add.si(2)
// @ts-expect-error: a string is no number
add.si(2, '2')

// signature: in full
same(add.signature()).as<Signature<[x: number, y: number], number, 'proj.add'>>()
same(add.signature({ args: [4], options: { queue: 'q' } })).as<Signature<[x: number], number, 'proj.add'>>()
same(add.signature({ args: [1, 2], immutable: true })).as<Signature<Anything, number, 'proj.add'>>()
same(add.signature({ args: [1], kwargs: { y: 2 } })).as<Signature<any, number, 'proj.add'>>()
same(signature('any.name', { args: [1, 'x'] })).as<Signature<any, any, string>>()
// @ts-expect-error: a string is no number
add.signature({ args: ['x'] })
// @ts-expect-error: a misspelt option
add.signature({ options: { quueue: 'q' } })
// @ts-expect-error: kwargs are an object
signature('any.name', { kwargs: [1] })

// delay: what is still missing, no more and no less
void add.s(4).delay(1)
void add.s(2, 2).delay()
void optional.s().delay(1)
void scale.s(4).delay()
void scale.s(4).delay(1)
void add.si(2, 2).delay()
void signature('any.name').delay(1, 'two')
// @ts-expect-error: y is missing
void add.s(4).delay()
// @ts-expect-error: nothing is missing
void add.s(2, 2).delay(1)
// @ts-expect-error: a string is no number
void add.delay(1, '2')

// applyAsync: the same in an array, or anything with kwargs
void add.applyAsync([1, 2], { countdown: 10, link: upper.s() })
void add.applyAsync([], { kwargs: { x: 1, y: 2 } })
void add.s(4).applyAsync([1])
void none.applyAsync()
void none.s().applyAsync()
// @ts-expect-error: y is missing
void add.applyAsync([1])
// @ts-expect-error: x is missing
void add.s(4).applyAsync()
// @ts-expect-error: a misspelt option
void add.applyAsync([1, 2], { countdwon: 10 })

// set, clone, immutable
same(add.s(4).set({ queue: 'q', countdown: undefined })).as<Signature<[x: number], number, 'proj.add'>>()
same(set(add.s(4), { priority: 3 })).as<Signature<[x: number], number, 'proj.add'>>()
same(add.s().clone([4])).as<Signature<[x: number], number, 'proj.add'>>()
same(add.s(4).clone()).as<Signature<[x: number], number, 'proj.add'>>()
same(clone(add.s(4), [1])).as<Signature<[], number, 'proj.add'>>()
same(immutable(add.s(1, 2))).as<Signature<Anything, number, 'proj.add'>>()
// @ts-expect-error: a misspelt option
add.s(4).set({ quueue: 'q' })
// @ts-expect-error: a priority is a number
add.s(4).set({ priority: 'high' })
// @ts-expect-error: a string is no number
add.s(4).clone(['x'])
