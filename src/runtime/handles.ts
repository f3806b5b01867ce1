// Handles for what a plan will give back, and for what Celery's tuples name. Chains are walked in a loop: a
// chain of 10 000 has as many parents.
import { TasksResult } from './group-result.js'
import type { ResultTuple } from './meta.js'
import type { ResultShape } from './plan.js'
import { TaskResult } from './result.js'
import type { AnyResult, ResultSource } from './result-source.js'

/** A result and all those to its left, the first step last. */
const lineOf = <S>(last: S, parentOf: (step: S) => S | null): readonly S[] => {
  const line: S[] = []
  for (let step: S | null = last; step !== null; step = parentOf(step)) line.push(step)
  return line
}

/** `ignored`: ids whose results nobody stores. */
export const fromShape = (
  source: ResultSource,
  shape: ResultShape,
  ignored: ReadonlySet<string>,
): AnyResult => {
  if (shape.kind === 'task' && shape.parent === null)
    return new TaskResult(source, shape.id, null, ignored.has(shape.id))
  return lineOf(shape, ({ parent }) => parent).reduceRight<AnyResult | null>(
    (parent, step) =>
      step.kind === 'task'
        ? new TaskResult(source, step.id, parent, ignored.has(step.id))
        : new TasksResult(
            source,
            step.id,
            step.results.map((member) => fromShape(source, member, ignored)),
            parent,
          ),
    null,
  ) as AnyResult
}

/** The id and the tuple to the left; a bare id stands for `[id, null]`. */
const headOf = ([head]: ResultTuple): readonly [id: string, parent: ResultTuple | null] =>
  Array.isArray(head)
    ? [String(head[0]), (head[1] as ResultTuple | null | undefined) ?? null]
    : [String(head), null]

export const fromTuple = (source: ResultSource, tuple: ResultTuple): AnyResult =>
  lineOf(tuple, (step) => headOf(step)[1]).reduceRight<AnyResult | null>((parent, step) => {
    const [id] = headOf(step)
    const members = step[1] ?? null
    return members === null
      ? new TaskResult(source, id, parent)
      : new TasksResult(
          source,
          id,
          members.map((member) => fromTuple(source, member)),
          parent,
        )
  }, null) as AnyResult
