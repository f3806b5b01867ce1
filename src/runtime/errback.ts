// What an errback with `errback: 'full'` is called with: (request, error, traceback, its own arguments). Our
// workers send the three in a header; where a Python worker sent it, the stored result tells them.
import type { FailedRequest } from '../canvas/fit.js'
import { type ExceptionInfo, rebuildError } from './failure.js'
import type { Message } from './message.js'
import { readMeta } from './meta.js'
import type { ResultSource } from './result.js'

type ErrorHeader = ExceptionInfo & {
  readonly id: string
  readonly task?: string
  readonly traceback: string | null
}

export const errbackArguments = async (
  { headers, args, parentId }: Message,
  source: ResultSource,
): Promise<readonly unknown[]> => {
  const header = headers['lovage_error'] as ErrorHeader | undefined
  const failedId = header?.id ?? (typeof args[0] === 'string' ? args[0] : (parentId ?? ''))
  const own = args[0] === failedId ? args.slice(1) : args
  const request = (task: string | null): FailedRequest => ({ id: failedId, task })
  if (header !== undefined)
    return [
      request(header.task ?? null),
      rebuildError(header, header.traceback, source.errors),
      header.traceback,
      ...own,
    ]
  const [text] = await (await source.backend()).read([failedId])
  if (text == null)
    return [request(null), new Error(`Task ${failedId} failed; its error is not stored.`), null, ...own]
  const meta = readMeta(text)
  const name = meta.fields['name']
  return [
    request(typeof name === 'string' ? name : null),
    rebuildError(meta.result, meta.traceback, source.errors),
    meta.traceback,
    ...own,
  ]
}
