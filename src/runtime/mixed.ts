// Whether workers that are not ours take part in what a plan sends: any task that it names, wherever it stands but in
// callbacks, which report to no chord. Pure.
import type { SignatureJson } from '../canvas/wire.js'
import { isRecord } from '../canvas/options.js'
import type { IsOurs } from './outgoing.js'
import type { Step } from './plan.js'

/** Where signatures stand in each other, as Celery writes them. */
const inKwargs = ['tasks', 'header', 'body', 'task'] as const
const inOptions = ['chain', 'chord'] as const

const namesOthers = (roots: readonly unknown[], runsHere: IsOurs): boolean => {
  const todo = [...roots]
  while (todo.length > 0) {
    const value = todo.pop()
    if (Array.isArray(value)) for (const each of value) todo.push(each)
    if (!isRecord(value)) continue
    const { task, kwargs, options } = value as Partial<SignatureJson>
    if (typeof task === 'string' && !isBuiltIn(task) && !runsHere(task, queueIn(options))) return true
    if (isRecord(kwargs)) for (const name of inKwargs) todo.push(kwargs[name])
    if (isRecord(options)) for (const name of inOptions) todo.push(options[name])
  }
  return false
}

const queueIn = (options: SignatureJson['options'] | undefined): string | undefined => {
  const queue = options?.['queue']
  return typeof queue === 'string' ? queue : undefined
}

/** Celery's own for a canvas, and ours. What they run stands inside. */
const isBuiltIn = (task: string): boolean => task.startsWith('celery.') || task.startsWith('lovage.')

export const isMixed = (steps: readonly Step[], runsHere: IsOurs): boolean => {
  let body: SignatureJson | null = null
  for (const step of steps) {
    if (step.do === 'keep' && namesOthers(step.steps, runsHere)) return true
    if (step.do !== 'publish') continue
    const { task, kwargs, queue, embed } = step.message
    // The body of a chord is one object in all messages of its header.
    const around = embed.chord === body ? [embed.chain] : [embed.chain, embed.chord]
    body = embed.chord
    if (
      namesOthers([{ task, kwargs: isBuiltIn(task) ? kwargs : {}, options: { queue } }, ...around], runsHere)
    )
      return true
  }
  return false
}
