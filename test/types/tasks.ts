// Tasks for the type tests: only their types matter.
import type { TaskMembers } from '../../src/canvas/flow.js'

export declare const add: TaskMembers<(x: number, y: number) => number, 'proj.add'>
export declare const upper: TaskMembers<(text: string) => string, 'proj.upper'>
export declare const size: TaskMembers<(text: string) => number, 'proj.size'>
export declare const total: TaskMembers<(numbers: readonly number[]) => number, 'proj.total'>
export declare const pair: TaskMembers<(both: [number, string]) => boolean, 'proj.pair'>
export declare const optional: TaskMembers<(x: number, y?: string) => string, 'proj.optional'>
export declare const rest: TaskMembers<(first: string, ...others: number[]) => void, 'proj.rest'>
export declare const none: TaskMembers<() => Promise<Date>, 'proj.none'>
export declare const untyped: TaskMembers<(...args: any[]) => any>
export declare const onError: TaskMembers<(id: string) => void, 'proj.onError'>
export declare const onErrorFull: TaskMembers<
  (request: { id: string }, error: Error, traceback: string | null) => void,
  'proj.onErrorFull'
>

export declare const log: TaskMembers<(anything: unknown) => void, 'proj.log'>

/** A function with a default parameter, as a user writes it. */
const scaled = (x: number, factor = 2) => x * factor
export declare const scale: TaskMembers<typeof scaled, 'proj.scale'>

/** A function that uses its context. */
declare function fetched(this: { signal: AbortSignal }, url: string): Promise<string>
export declare const fetchUrl: TaskMembers<typeof fetched, 'proj.fetchUrl'>
