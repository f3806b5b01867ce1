// What an errback with `errback: 'full'` is called with: (request, error, traceback, its own arguments). Our
// workers send the three in a header; where a Python worker sent it, the stored result tells them.
import type { FailedRequest } from '../canvas/fit.js'
import { type ExceptionInfo, readExceptionInfo, rebuildError } from './failure.js'
import { isDict, text } from './fields.js'
import type { Message } from './message.js'
import { readMeta } from './meta.js'
import type { ResultSource } from './result-source.js'

/** What our workers say in the header: an exception object, with whose it is. */
interface ErrorHeader {
  readonly id: string
  readonly task: string | null
  readonly info: ExceptionInfo
  readonly traceback: string | null
}

const errorHeader = (value: unknown): ErrorHeader | undefined => {
  if (!isDict(value)) return undefined
  const id = text(value['id'])
  if (id === null) return undefined
  return {
    id,
    task: text(value['task']),
    info: readExceptionInfo(value),
    traceback: text(value['traceback']),
  }
}

/** (request, error, traceback, …its own arguments). */
export const errbackArguments = async (
  { headers, args, parentId }: Message,
  source: ResultSource,
): Promise<readonly unknown[]> => {
  const header = errorHeader(headers['lovage_error'])
  const failedId = header?.id ?? text(args[0]) ?? parentId ?? ''
  const own = args[0] === failedId ? args.slice(1) : args
  const told = (task: string | null, error: Error, traceback: string | null): readonly unknown[] => {
    const request: FailedRequest = { id: failedId, task }
    return [request, error, traceback, ...own]
  }
  if (header !== undefined)
    return told(header.task, rebuildError(header.info, header.traceback, source.errors), header.traceback)
  const [stored] = await (await source.backend()).read([failedId])
  if (stored == null) return told(null, new Error(`Task ${failedId} failed; its error is not stored.`), null)
  const { fields, result, traceback } = readMeta(stored)
  return told(text(fields['name']), rebuildError(result, traceback, source.errors), traceback)
}
