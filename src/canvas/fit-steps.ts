// Whether the steps of a chain fit: each takes the result of the one before it. Types only.
import type { Count, Fit, InOf, IsGroup, List, NotASignature, OutOf, StepError, Typed } from './fit.js'
import type { Outs, Shared } from './fit-members.js'
import type { IsAny } from './partial.js'

/** The steps, one by one or in one array; a step that does not fit is replaced by its error. */
export type Steps<S extends List> = S extends CheckSteps<S> ? S : CheckSteps<S>
type CheckSteps<S extends List> = S extends readonly []
  ? readonly [step: StepError<'a chain needs at least one step', [], 'a signature'>]
  : S extends readonly [infer L extends List]
    ? readonly [L extends readonly [] ? CheckSteps<[]> : Check<L, 'chain'>]
    : Check<S, 'chain'>

/** What follows `S` in a pipe. */
export type Next<S, N extends List> = N extends Check<N, 'pipe', S> ? N : Check<N, 'pipe', S>

/** Nothing stands to the left of the first step. */
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

/** A group of unknown size: one member's result alone, or the list. */
interface Uncertain {
  readonly uncertain: true
}
