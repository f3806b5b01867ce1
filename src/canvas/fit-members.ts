// Whether the members of a group take the same arguments, and the body of a chord their results. Types only.
import type {
  Anything,
  Count,
  Fit,
  InOf,
  IsGroup,
  List,
  NameOf,
  NotASignature,
  OutOf,
  StepError,
  Typed,
} from './fit.js'
import type { Both, IsAny } from './partial.js'

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
