// The types that carry the flow: what a signature still needs, what it gives, what it is called. A canvas
// whose parts do not fit does not compile, and the error names the part. Types only; nothing runs here.
import type { Kind, Node, SignatureOptions } from './node.js'
import type { Both, IsAny, Missing, OnlyArgument, Suffix } from './partial.js'
import type { CallOptions, GroupResult, PendingResult } from './sender.js'
import type { SignatureJson } from './wire.js'

// These exist for the compiler alone: no object has them.
declare const takes: unique symbol
declare const gives: unique symbol
declare const called: unique symbol
declare const members: unique symbol

type List = readonly unknown[]

/** What a signature takes that takes nothing from the left: anything fits, and nothing is used. */
export type Anything = readonly unknown[]

/**
 * A call that has not been made: frozen data with a `kind`, to be kept, changed (each change makes a new
 * one), composed, written as JSON, and sent.
 *
 * `In` is the tuple of arguments that are still missing, `Out` what the task returns, `Name` the task's
 * name, so that a type error can say it.
 */
export interface Signature<in In extends List = any, out Out = any, out Name extends string = string> {
  readonly kind: Kind
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: SignatureOptions
  readonly immutable: boolean
  readonly [takes]: (...args: In) => void
  readonly [gives]: Out
  readonly [called]: Name

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
  /** Comes with a later version; until then it throws an InvalidSignature. */
  stamp<S extends AnySignature>(this: S, stamps: Readonly<Record<string, unknown>>): S
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
export interface GroupSignature<M extends List> extends Signature<Shared<M>, Outs<M>, 'group'> {
  readonly [members]: M
  delay(...args: Shared<M>): PendingResult<Outs<M>, GroupResult<Outs<M>>>
}

/** What tells a group from the rest, in patterns: comparing two properties costs the compiler little. */
interface IsGroup<M extends List> {
  readonly [members]: M
  readonly [called]: 'group'
}

/** A chord with the header `M`. */
export interface ChordSignature<M extends List, Out> extends Signature<Shared<M>, Out, 'chord'> {
  readonly [members]: M
}

export type CloneOf<S, A extends List> = Signature<Missing<InOf<S>, A>, OutOf<S>, NameOf<S>>
export type Sent<S> = S extends IsGroup<infer M>
  ? PendingResult<Outs<M>, GroupResult<Outs<M>>>
  : PendingResult<OutOf<S>>

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
// What is said when something does not fit

/** Stands where a part does not fit: nothing is assignable to it, and the compiler prints its words. */
export interface StepError<Message extends string, Given, Expected> {
  readonly error: Message
  readonly given: Given
  readonly expected: Expected
}

type NotASignature<S, Place extends string> = S extends { readonly taskName: infer Task extends string }
  ? StepError<`${Place} is the task ${Task} itself: write .s(…)`, S, AnySignature>
  : StepError<`${Place} is not a signature: write task.s(…)`, S, AnySignature>

/** The part, if it accepts `Given` from the left; else the error that says so. Of a group, the first wrong member. */
type Fit<S, Given, Place extends string, From extends string> =
  IsAny<S> extends true
    ? S
    : S extends AnySignature
      ? S extends { readonly [members]: infer M extends List }
        ? FitMembers<S, M, Given, Place, From>
        : [Given] extends InOf<S>
          ? S
          : StepError<`${Place} (${NameOf<S>}) does not accept ${From}`, Given, InOf<S>>
      : NotASignature<S, Place>

type FitMembers<S, M extends List, Given, Place extends string, From extends string, Seen extends List = []> =
  M extends readonly [infer Member, ...infer Rest]
    ? [Given] extends InOf<Member>
      ? FitMembers<S, Rest, Given, Place, From, [...Seen, Member]>
      : StepError<
          `${Place}: member ${Count<Seen>} of its group (${NameOf<Member>}) does not accept ${From}`,
          Given,
          InOf<Member>
        >
    : [Given] extends InOf<M[number]>
      ? S
      : M extends readonly []
        ? S
        : StepError<`${Place} (group) does not accept ${From}`, Given, InOf<M[number]>>

type Count<Seen extends List> = [0, ...Seen]['length'] & number

// ---------------------------------------------------------------------------------------------------
// Small words

export type InOf<S> =
  IsAny<S> extends true ? any : S extends { readonly [takes]: (...args: infer In) => void } ? In : never
export type OutOf<S> = S extends { readonly [gives]: infer Out } ? Out : never
export type NameOf<S> = S extends { readonly [called]: infer Name extends string } ? Name : never

type Listed<S extends List> = S extends readonly [infer L extends List] ? L : S
type LastOf<S extends List> = S extends readonly [...unknown[], infer Last] ? Last : S[number]

// ---------------------------------------------------------------------------------------------------
// Chains

/** The steps, one by one or in one array; a step that does not fit is replaced by its error. */
export type Steps<S extends List> = S extends CheckSteps<S> ? S : CheckSteps<S>
type CheckSteps<S extends List> = S extends readonly []
  ? readonly [step: StepError<'a chain needs at least one step', [], AnySignature>]
  : S extends readonly [infer L extends List]
    ? readonly [L extends readonly [] ? CheckSteps<[]> : Check<L, 'chain'>]
    : Check<S, 'chain'>

/** What follows `S` in a pipe. */
export type Next<S, N extends List> = N extends Check<N, 'pipe', S> ? N : Check<N, 'pipe', S>

interface Start {
  readonly start: true
}

type Check<S extends List, Where extends string, Left = Start, Done extends List = readonly []> =
  S extends readonly [infer Step, ...infer Rest]
    ? Check<
        Rest,
        Where,
        InChain<Step>,
        readonly [...Done, CheckStep<Step, Left, `step ${Count<Done>} of the ${Where}`>]
      >
    : readonly [...Done, ...S]

type CheckStep<Step, Left, Place extends string> = Left extends Start
  ? IsAny<Step> extends true
    ? Step
    : Step extends AnySignature
      ? Step
      : NotASignature<Step, Place>
  : Left extends Uncertain
    ? [OutOf<Left>] extends InOf<Step>
      ? Step
      : StepError<
          `${Place}: before it stands a group of unknown size, and one of a single member gives its result alone: write chord(members, next) or group(members).pipe(next)`,
          OutOf<Left>,
          InOf<Step>
        >
    : Fit<Step, OutOf<Left>, Place, 'the result of the step before it'>

/** A step as it stands in a chain, where a group of one is that task. */
type InChain<S> = S extends IsGroup<infer M>
  ? M extends readonly [infer Only]
    ? InChain<Only>
    : number extends M['length']
      ? Uncertain & Signature<Shared<M>, OutOf<M[number]> | Outs<M>, 'group'>
      : S
  : S
interface Uncertain {
  readonly [members]: 'unknown'
}

/** What `chain(…)` of these steps is. */
export type ChainOf<S extends List> = Chained<Listed<S>>
type Chained<S extends List> = S extends readonly [infer Only]
  ? Only extends { readonly [members]: unknown }
    ? Only
    : Signature<InOf<Only>, OutOf<Only>, `chain from ${NameOf<Only>}`>
  : Signature<InOf<S[0]>, OutOf<InChain<LastOf<S>>>, `chain from ${NameOf<S[0]>}`>

/** What `sig.pipe(…)` is. */
export type PipeOf<S, N extends List> = N extends readonly []
  ? S
  : Signature<InOf<S>, OutOf<InChain<LastOf<N>>>, `chain from ${NameOf<S>}`>

// ---------------------------------------------------------------------------------------------------
// Groups and chords

/** The members, one by one or in one array; one that cannot take the same arguments as the others is an error. */
export type Members<M extends List> = M extends CheckMembers<M> ? M : CheckMembers<M>
type CheckMembers<M extends List> = M extends readonly [infer L extends List]
  ? readonly [CheckEach<L, 'group'>]
  : CheckEach<M, 'group'>

type CheckEach<M extends List, Where extends string, In extends List = Anything, Done extends List = readonly []> =
  M extends readonly [infer Member, ...infer Rest]
    ? CheckEach<
        Rest,
        Where,
        Both<In, InOf<Member>>,
        readonly [...Done, CheckMember<Member, In, `member ${Count<Done>} of the ${Where}`>]
      >
    : readonly [...Done, ...M]

type CheckMember<S, In extends List, Place extends string> =
  IsAny<S> extends true
    ? S
    : S extends AnySignature
      ? [Both<In, InOf<S>>] extends [never]
        ? StepError<`${Place} (${NameOf<S>}) does not take the arguments that the members before it take`, In, InOf<S>>
        : S
      : NotASignature<S, Place>

export type GroupOf<M extends List> = GroupSignature<Listed<M>>

/** The arguments that fit every member. */
export type Shared<M extends List, In extends List = Anything> = M extends readonly [infer S, ...infer Rest]
  ? Shared<Rest, Both<In, InOf<S>>>
  : M extends readonly []
    ? In
    : Both<In, InOf<M[number]>>

/** The results of the members; those of a group among them stand in the same row. */
export type Outs<M extends List, Done extends List = []> = M extends readonly [infer S, ...infer Rest]
  ? Outs<Rest, S extends IsGroup<infer Inner> ? [...Done, ...Outs<Inner>] : [...Done, OutOf<S>]>
  : M extends readonly []
    ? Done
    : [...Done, ...(M[number] extends IsGroup<infer Inner> ? Outs<Inner>[number] : OutOf<M[number]>)[]]

/** The header: an array of signatures, or a group. */
export type Header<H> = H extends CheckHeader<H> ? H : CheckHeader<H>
type CheckHeader<H> = H extends List
  ? CheckEach<H, 'header'>
  : H extends AnySignature
    ? H
    : NotASignature<H, 'the header of the chord'>

type HeaderOf<H> = H extends List ? H : H extends IsGroup<infer M> ? M : [H]

export type Body<B, H> = B extends CheckBody<B, H> ? B : CheckBody<B, H>
type CheckBody<B, H> = Fit<B, Outs<HeaderOf<H>>, 'the body of the chord', 'the results of its header'>

export type ChordOf<H, B> = ChordSignature<HeaderOf<H>, OutOf<B>>

// ---------------------------------------------------------------------------------------------------
// Links

export type Callback<C, S> = C extends CheckCallback<C, S> ? C : CheckCallback<C, S>
type CheckCallback<C, S> = S extends IsGroup<infer _>
  ? C extends AnySignature
    ? C
    : NotASignature<C, 'the callback'>
  : Fit<C, OutOf<S>, 'the callback', `the result of ${NameOf<S>}`>

/** An errback takes the failed id, or, declared with `errback: 'full'`, the request, the error and the traceback. */
export type Errback<E> = E extends CheckErrback<E> ? E : CheckErrback<E>
type CheckErrback<E> =
  IsAny<E> extends true
    ? E
    : E extends AnySignature
      ? [id: string] extends InOf<E>
        ? E
        : [request: any, error: any, traceback: any] extends InOf<E>
          ? E
          : StepError<`the errback (${NameOf<E>}) does not accept the id of the failed task`, [id: string], InOf<E>>
      : NotASignature<E, 'the errback'>

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
