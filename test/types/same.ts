// `same(value).as<T>()` compiles if the value's type is exactly T. These files are never run: `tsc` is the test.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Takes no argument if the types are the same, and one that nobody has if they are not. */
type Proof<A, B> = Same<A, B> extends true ? [] : [difference: { got: A; expected: B }]

export declare function same<A>(value: A): { as<B>(...proof: Proof<A, B>): void }
