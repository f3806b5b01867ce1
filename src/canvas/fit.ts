// Whether the parts of a canvas fit, decided by the compiler. Each check gives back the type it was given,
// with every wrong part replaced by a StepError that names it. Types only; nothing runs here.
import type { Both, IsAny } from './partial.js'

// These exist for the compiler alone: no object has them.
declare const takes: unique symbol
declare const gives: unique symbol
declare const called: unique symbol
declare const members: unique symbol

type List = readonly unknown[]

/** Parts as they are given: one by one, or in one array. The empty array makes the compiler see a tuple in it. */
export type Parts = readonly (object | readonly [])[]

/** What a signature takes that takes nothing from the left: anything fits, and nothing is used. */
export type Anything = readonly unknown[]

/** What the compiler knows of a signature: the arguments still missing, the result, the name. */
export interface Typed<in In extends List = any, out Out = any, out Name extends string = string> {
  readonly [takes]: (...args: In) => void
  readonly [gives]: Out
  readonly [called]: Name
}

/** What the compiler knows of a group and of a chord besides. */
export interface WithMembers<M extends List> {
  readonly [members]: M
}

/** What tells a group from the rest, in patterns: comparing two properties costs the compiler little. */
export interface IsGroup<M extends List> {
  readonly [members]: M
  readonly [called]: 'group'
}

export type InOf<S> =
  IsAny<S> extends true ? any : S extends { readonly [takes]: (...args: infer In) => void } ? In : never
export type OutOf<S> = IsAny<S> extends true ? any : S extends { readonly [gives]: infer Out } ? Out : never
export type NameOf<S> =
  IsAny<S> extends true ? string : S extends { readonly [called]: infer Name extends string } ? Name : never

// ---------------------------------------------------------------------------------------------------
// What is said when something does not fit

/** Stands where a part does not fit: nothing is assignable to it, and the compiler prints its words. */
export interface StepError<Message extends string, Given, Expected> {
  readonly error: Message
  readonly given: Given
  readonly expected: Expected
}

export type NotASignature<S, Place extends string> = S extends {
  readonly taskName: infer Task extends string
}
  ? StepError<`${Place} is the task ${Task} itself: write .s(…)`, S, 'a signature'>
  : StepError<`${Place} is not a signature: write task.s(…)`, S, 'a signature'>

/** The part, if it accepts `Given` from the left; else the error that says so. Of a group, the first wrong member. */
type Fit<S, Given, Place extends string, From extends string> =
  IsAny<S> extends true
    ? S
    : S extends Typed
      ? S extends { readonly [members]: infer M extends List }
        ? FitMembers<S, M, Given, Place, From>
        : [Given] extends InOf<S>
          ? S
          : StepError<`${Place} (${NameOf<S>}) does not accept ${From}`, Given, InOf<S>>
      : NotASignature<S, Place>

type FitMembers<
  S,
  M extends List,
  Given,
  Place extends string,
  From extends string,
  Seen extends List = [],
> = M extends readonly [infer Member, ...infer Rest]
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
// Chains

/** The steps, one by one or in one array; a step that does not fit is replaced by its error. */
export type Steps<S extends List> = S extends CheckSteps<S> ? S : CheckSteps<S>
type CheckSteps<S extends List> = S extends readonly []
  ? readonly [step: StepError<'a chain needs at least one step', [], 'a signature'>]
  : S extends readonly [infer L extends List]
    ? readonly [L extends readonly [] ? CheckSteps<[]> : Check<L, 'chain'>]
    : Check<S, 'chain'>

/** What follows `S` in a pipe. */
export type Next<S, N extends List> = N extends Check<N, 'pipe', S> ? N : Check<N, 'pipe', S>

interface Start {
  readonly start: true
}

type Check<
  S extends List,
  Where extends string,
  Left = Start,
  Done extends List = readonly [],
> = S extends readonly [infer Step, ...infer Rest]
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
    : Step extends Typed
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
export type InChain<S> =
  IsAny<S> extends true
    ? S
    : S extends IsGroup<infer M>
      ? M extends readonly [infer Only]
        ? InChain<Only>
        : number extends M['length']
          ? Uncertain & Typed<Shared<M>, OutOf<M[number]> | Outs<M>, 'group'>
          : S
      : S
interface Uncertain {
  readonly [members]: 'unknown'
}

// ---------------------------------------------------------------------------------------------------
// Groups and chords

/** The members, one by one or in one array; one that cannot take the same arguments as the others is an error. */
export type Members<M extends List> = M extends CheckMembers<M> ? M : CheckMembers<M>
type CheckMembers<M extends List> = M extends readonly [infer L extends List]
  ? readonly [CheckEach<L, 'group'>]
  : CheckEach<M, 'group'>

type CheckEach<
  M extends List,
  Where extends string,
  In extends List = Anything,
  Done extends List = readonly [],
> = M extends readonly [infer Member, ...infer Rest]
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
    : S extends Typed
      ? [Both<In, InOf<S>>] extends [never]
        ? StepError<
            `${Place} (${NameOf<S>}) does not take the arguments that the members before it take`,
            In,
            InOf<S>
          >
        : S
      : NotASignature<S, Place>

/** The arguments that fit every member. */
export type Shared<M extends List, In extends List = Anything> = M extends readonly [infer S, ...infer Rest]
  ? Shared<Rest, Both<In, InOf<S>>>
  : M extends readonly []
    ? In
    : Both<In, InOf<M[number]>>

/** The results of the members; those of a group among them stand in the same row. */
export type Outs<M extends List, Done extends List = []> = M extends readonly [infer S, ...infer Rest]
  ? Outs<Rest, [...Done, ...Row<S>]>
  : M extends readonly []
    ? Done
    : [...Done, ...Row<M[number]>[number][]]

type Row<S> = IsAny<S> extends true ? [any] : S extends IsGroup<infer Inner> ? Outs<Inner> : [OutOf<S>]

/** The header: an array of signatures, or a group. */
export type Header<H> = H extends CheckHeader<H> ? H : CheckHeader<H>
type CheckHeader<H> = H extends List
  ? CheckEach<H, 'header'>
  : H extends Typed
    ? H
    : NotASignature<H, 'the header of the chord'>

export type HeaderOf<H> =
  IsAny<H> extends true ? any[] : H extends List ? H : H extends IsGroup<infer M> ? M : [H]

export type Body<B, H> = B extends CheckBody<B, H> ? B : CheckBody<B, H>
type CheckBody<B, H> = Fit<B, Outs<HeaderOf<H>>, 'the body of the chord', 'the results of its header'>

// ---------------------------------------------------------------------------------------------------
// Links

export type Callback<C, S> = C extends CheckCallback<C, S> ? C : CheckCallback<C, S>
type CheckCallback<C, S> =
  S extends IsGroup<infer _>
    ? C extends Typed
      ? C
      : NotASignature<C, 'the callback'>
    : Fit<C, OutOf<S>, 'the callback', `the result of ${NameOf<S>}`>

/** What a task with `errback: 'full'` is called with, or as much of it as it takes. */
type FullErrbackCall =
  | [request: FailedRequest, error: Error, traceback: string | null]
  | [request: FailedRequest, error: Error]
  | [request: FailedRequest]

/** Those of the calls that the parameters take. */
type Fitting<Call, In> = Call extends In ? Call : never

/** Which task failed; `task` is null where only its id is known. */
export interface FailedRequest {
  readonly id: string
  readonly task: string | null
}

/** An errback takes the failed id, or, declared with `errback: 'full'`, the request, the error and the traceback. */
export type Errback<E> = E extends CheckErrback<E> ? E : CheckErrback<E>
type CheckErrback<E> =
  IsAny<E> extends true
    ? E
    : E extends Typed
      ? [id: string] extends InOf<E>
        ? E
        : [Fitting<FullErrbackCall, InOf<E>>] extends [never]
          ? StepError<
              `the errback (${NameOf<E>}) does not accept the id of the failed task`,
              [id: string],
              InOf<E>
            >
          : E
      : NotASignature<E, 'the errback'>
