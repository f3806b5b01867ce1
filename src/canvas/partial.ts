// Partial arguments in types: which may be given now, and which are then still missing. Arguments are
// given from the right, because what comes later (a result from the left, a call) is put in front.

export type IsAny<T> = 0 extends 1 & T ? true : false

/** A parameter list. */
export type Parameters = readonly unknown[]

/** All ends of the parameter list `P`: what may be given as partial arguments. */
export type Suffix<P extends Parameters> = P extends readonly []
  ? []
  : P extends readonly [unknown?, ...infer Rest]
    ? number extends P['length']
      ? P extends readonly [unknown, ...infer Tail]
        ? P | Suffix<Tail>
        : P
      : P | Suffix<Rest>
    : P

/**
 * What must still come in front of the arguments `A` to fit the parameters `P`. Optional parameters make it
 * a union: of `(x, y?)` with one argument given, nothing or x is missing.
 */
export type Missing<P extends Parameters, A extends Parameters> =
  IsAny<P> extends true ? any : A extends readonly [] ? P : Before<P, A>

type Before<P extends Parameters, A extends Parameters> =
  | (A extends P ? (IsRest<P> extends true ? P : []) : never)
  | (IsRest<P> extends true
      ? never
      : P extends readonly [unknown?, ...infer T]
        ? [...First<P>, ...Before<T, A>]
        : never)

/** Whether `P` is a rest parameter and nothing else. */
type IsRest<P extends Parameters> = number extends P['length']
  ? P extends readonly [unknown, ...unknown[]]
    ? false
    : true
  : false

/** The first parameter alone, with its label and required: more arguments follow it. */
type First<P extends Parameters> = number extends P['length']
  ? [P[0]]
  : Required<P> extends readonly [unknown, ...infer T]
    ? Required<P> extends readonly [...infer Head, ...T]
      ? Head
      : never
    : never

/** The arguments that fit both lists. */
export type Both<A extends Parameters, B extends Parameters> =
  IsAny<A> extends true
    ? B
    : IsAny<B> extends true
      ? A
      : [A] extends [B]
        ? A
        : [B] extends [A]
          ? B
          : (A extends B ? A : never) | (B extends A ? B : never)

/** What one item of a map may be: the only argument of a call. */
export type OnlyArgument<P extends Parameters> =
  IsAny<P> extends true ? any : P extends unknown ? ([P[0]] extends P ? P[0] : never) : never
