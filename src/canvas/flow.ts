// The types that carry the flow: what a signature still needs, what it gives, what it is called, and what
// each constructor makes of that. Whether the parts fit is decided in fit.ts. Types only; nothing runs here.
import type { Kind, Node, SignatureOptions } from './node.js'
import type {
  Anything,
  Callback,
  Errback,
  InOf,
  IsGroup,
  List,
  NameOf,
  NotASignature,
  OutOf,
  Typed,
  WithMembers,
} from './fit.js'
import type { HeaderOf, Outs, Shared } from './fit-members.js'
import type { InChain, Next } from './fit-steps.js'
import type { IsAny, Missing, OnlyArgument, Suffix } from './partial.js'
import type { CallOptions, GroupResult, PendingResult } from './sender.js'
import type { StampingVisitor, StampOptions, Stamps } from './visitor.js'
import type { SignatureJson } from './wire.js'

/**
 * A call that has not been made: frozen data with a `kind`, to be kept, changed (each change makes a new
 * one), composed, written as JSON, and sent.
 *
 * `In` is the tuple of arguments that are still missing, `Out` what the task returns, `Name` the task's
 * name, so that a type error can say it.
 */
export interface Signature<in In extends List = any, out Out = any, out Name extends string = string>
  extends Typed<In, Out, Name> {
  readonly kind: Kind
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: SignatureOptions
  readonly immutable: boolean

  // Where a method's type depends on the whole signature it is asked for as `this`: a method that is generic in
  // In and Out itself would make the compiler compare it for every pair of signatures.

  /** With these options; undefined takes one away. An option that does not exist is an InvalidSignature. */
  set<S extends AnySignature>(this: S, options: SetOptions): S
  /** With a task that runs after success and gets the result in front of its own arguments. */
  link<S extends AnySignature, C>(this: S, callback: Callback<C, S>): S
  /** With a task that runs after failure and gets the failed task's id. */
  linkError<S extends AnySignature, E>(this: S, errback: Errback<E>): S
  /** With these arguments in front of its own. */
  clone<S extends AnySignature>(this: S): S
  clone<S extends AnySignature, const A extends Suffix<InOf<S>>>(this: S, args: A): CloneOf<S, A>
  /** The chain that goes on from here. */
  pipe<S extends AnySignature, const N extends List>(this: S, ...next: Next<S, N>): PipeOf<S, N>
  /** With these stamps, or with those that a visitor gives, on every task, callback and errback in it. */
  stamp<S extends AnySignature>(this: S, how: Stamps | StampingVisitor, options?: StampOptions): S
  /** Sends it, with the arguments that are still missing. */
  delay(...args: In): PendingResult<Out>
  /** Sends it, with options for this call. */
  applyAsync<S extends AnySignature>(this: S, ...call: CallArguments<InOf<S>>): Sent<S>
  /** Celery's own dict. */
  toJSON(): SignatureJson
  /** As in `proj.add(1, 2) | proj.mul(10)`. */
  toString(): string
}

/** A group of the members `M`. Its result is one of many. */
export interface GroupSignature<M extends List>
  extends Signature<Shared<M>, Outs<M>, 'group'>,
    WithMembers<M> {
  delay(...args: Shared<M>): PendingResult<Outs<M>, GroupResult<Outs<M>>>
}

/** A chord with the header `M`. */
export interface ChordSignature<M extends List, Out>
  extends Signature<Shared<M>, Out, 'chord'>,
    WithMembers<M> {}

export type CloneOf<S, A extends List> = Signature<Missing<InOf<S>, A>, OutOf<S>, NameOf<S>>
export type Sent<S> =
  S extends IsGroup<infer M> ? PendingResult<Outs<M>, GroupResult<Outs<M>>> : PendingResult<OutOf<S>>

/** A signature, whatever its types. */
export type AnySignature = Signature<any, any, string>

/** Options as `set` takes them: signatures as the user has them, a single callback without an array. */
export type SetOptions = {
  readonly [K in keyof SignatureOptions]?: SignatureOptions[K] | Nested<K> | undefined
}
type Nested<K> = K extends 'link' | 'linkError' | 'chain'
  ? AnySignature | Node | readonly (AnySignature | Node)[]
  : K extends 'chord'
    ? AnySignature
    : never

/** What applyAsync takes: the missing arguments, or any if there are keyword arguments too. */
export type CallArguments<In extends List> =
  | ([] extends In ? [args?: In, options?: CallOptions] : [args: In, options?: CallOptions])
  | [args: Anything, options: CallOptions & { readonly kwargs: Readonly<Record<string, unknown>> }]

// ---------------------------------------------------------------------------------------------------
// What the constructors give

type Listed<S extends List> =
  IsAny<S> extends true
    ? any[]
    : S extends readonly [infer L extends List]
      ? IsAny<L> extends true
        ? any[]
        : L
      : S
type LastOf<S extends List> = S extends readonly [...unknown[], infer Last] ? Last : S[number]

/** What `chain(…)` of these steps is. */
export type ChainOf<S extends List> = Chained<Listed<S>>
type Chained<S extends List> = S extends readonly [infer Only]
  ? InChain<Only> extends WithMembers<List>
    ? Only
    : Signature<InOf<Only>, OutOf<Only>, `chain from ${NameOf<Only>}`>
  : Signature<InOf<S[0]>, OutOf<InChain<LastOf<S>>>, `chain from ${NameOf<S[0]>}`>

/** What `sig.pipe(…)` is. */
export type PipeOf<S, N extends List> = N extends readonly []
  ? S
  : Signature<InOf<S>, OutOf<InChain<LastOf<N>>>, `chain from ${NameOf<S>}`>

export type GroupOf<M extends List> = GroupSignature<Listed<M>>

export type ChordOf<H, B> = ChordSignature<HeaderOf<H>, OutOf<B>>

// ---------------------------------------------------------------------------------------------------
// Maps

/** The signature of a task to be called with each item. */
export type MapTask<S> = S extends AnySignature ? S : NotASignature<S, 'the task of the map'>
export type Items<S> = readonly OnlyArgument<InOf<S>>[]
export type Rows<S> = readonly Readonly<InOf<S>>[]
export type MapOf<S, Kind extends string = 'map'> = Signature<
  Anything,
  Kind extends 'chunks' ? OutOf<S>[][] : OutOf<S>[],
  `${Kind} of ${NameOf<S>}`
>

// ---------------------------------------------------------------------------------------------------
// What a task has besides its code

type AnyFunction = (...args: any[]) => unknown
type Takes<F extends AnyFunction> = Parameters<F>
type Gives<F extends AnyFunction> = Awaited<ReturnType<F>>

interface TaskParts<A extends List> {
  /** The last arguments, as in `s`. */
  readonly args?: A
  readonly kwargs?: undefined
  readonly options?: SetOptions
  readonly immutable?: false
}

/** The members of a task made of the function `F`. */
export interface TaskMembers<F extends AnyFunction, Name extends string = string> {
  readonly name: Name
  readonly taskName: Name
  /** A signature with these arguments, the last ones; what comes from the left or from the call is put in front. */
  s<A extends Suffix<Takes<F>>>(...args: A): Signature<Missing<Takes<F>, A>, Gives<F>, Name>
  /** An immutable signature: with all arguments, and taking nothing from the left. */
  si(...args: Takes<F>): Signature<Anything, Gives<F>, Name>
  /** A signature in full. With kwargs the compiler does not count the arguments. */
  signature<A extends Suffix<Takes<F>> | [] = []>(
    parts?: TaskParts<A>,
  ): Signature<Missing<Takes<F>, A>, Gives<F>, Name>
  signature(parts: {
    readonly args?: Suffix<Takes<F>>
    readonly options?: SetOptions
    readonly immutable: true
  }): Signature<Anything, Gives<F>, Name>
  signature(parts: {
    readonly args?: List
    readonly kwargs: Readonly<Record<string, unknown>>
    readonly options?: SetOptions
    readonly immutable?: boolean
  }): Signature<any, Gives<F>, Name>
  /** Sends it: the message is in the broker when the promise is fulfilled. */
  delay(...args: Takes<F>): PendingResult<Gives<F>>
  /** Sends it, with options for this call. */
  applyAsync(...call: CallArguments<Takes<F>>): PendingResult<Gives<F>>
  /** One message that calls the task with each item. */
  map(items: readonly OnlyArgument<Takes<F>>[]): Signature<Anything, Gives<F>[], `map of ${Name}`>
  /** One message that calls the task with each array of arguments. */
  starmap(rows: readonly Readonly<Takes<F>>[]): Signature<Anything, Gives<F>[], `map of ${Name}`>
  /** Messages of `n` calls each, which run in parallel. */
  chunks(
    rows: readonly Readonly<Takes<F>>[],
    n: number,
  ): Signature<Anything, Gives<F>[][], `chunks of ${Name}`>
}
