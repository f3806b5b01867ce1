// How a value that cannot travel is told to a person: where it stands, what it is, what to do.
import { types } from 'node:util'

/** What stands in a path: a key, an index, or a step that has a text of its own (`.get("a")`). */
export type Step = string | number | { readonly shown: string }

/** `argument 2 of proj.add` and a path in it → `argument 2.user.name of proj.add` */
export function placeText(where: string, path: readonly Step[]): string {
  const [subject, ...rest] = where.split(' of ')
  return [subject + pathText(path), ...rest].join(' of ')
}

/** Of a long path its start and its end. */
function pathText(path: readonly Step[]): string {
  const texts = path.map(stepText)
  return texts.length <= 12 ? texts.join('') : `${texts.slice(0, 8).join('')}…${texts.slice(-3).join('')}`
}

function stepText(step: Step): string {
  if (typeof step === 'object') return step.shown
  if (typeof step === 'number') return `[${step}]`
  return /^[\w$]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}

/** Why an instance is refused. */
export function whyNot(value: object): string {
  if (types.isPromise(value)) return 'is a Promise; await it first and send what it gives.'
  if (types.isAnyArrayBuffer(value) || types.isDataView(value))
    return 'is a bare buffer; send new Uint8Array(buffer) instead.'
  if (isIterator(value)) return 'is an iterator; send what it gives: [...iterator].'
  if (isAsyncIterator(value)) return 'is an async iterator; collect what it gives and send that.'
  const name = (value.constructor as { name?: string } | undefined)?.name
  if (types.isWeakMap(value) || types.isWeakSet(value) || name === 'WeakRef')
    return `is a ${name}, which only has a meaning in this process. Send plain data.`
  return (
    `is an instance of ${name || 'a class without a name'}, which the other side could not rebuild. Send plain data ` +
    '({ ...value }), give the class a toJSON(), or register it on both sides: ' +
    (name ? `app.registerClass(${name}).` : "app.registerClass(TheClass, 'a name').")
  )
}

const isIterator = (value: object): boolean => 'next' in value && Symbol.iterator in value

const isAsyncIterator = (value: object): boolean => 'next' in value && Symbol.asyncIterator in value
