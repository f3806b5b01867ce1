// Whether the parts of a canvas fit, decided by the compiler. Each check gives back the type it was given,
// with every wrong part replaced by a StepError that names it. Types only; nothing runs here.
import type { IsAny } from './partial.js'

// These exist for the compiler alone: no object has them.
declare const takes: unique symbol
declare const gives: unique symbol
declare const called: unique symbol
declare const members: unique symbol

export type List = readonly unknown[]

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

/** A group whose members do not fit each other is one, and has said so at the member. */
export type NotASignature<S, Place extends string> =
  S extends WithMembers<List>
    ? S
    : S extends { readonly taskName: infer Task extends string }
      ? StepError<`${Place} is the task ${Task} itself: write .s(…)`, S, 'a signature'>
      : StepError<`${Place} is not a signature: write task.s(…)`, S, 'a signature'>

/** The part, if it accepts `Given` from the left; else the error that says so. Of a group, the first wrong member. */
export type Fit<S, Given, Place extends string, From extends string> =
  IsAny<S> extends true
    ? S
    : S extends { readonly [members]: infer M extends List }
      ? FitMembers<S, M, Given, Place, From>
      : S extends Typed
        ? [Given] extends InOf<S>
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

export type Count<Seen extends List> = [0, ...Seen]['length'] & number

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
