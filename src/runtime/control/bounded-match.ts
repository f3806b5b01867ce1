// Regular expressions that somebody else wrote: some take longer than the world will last, and meanwhile a worker
// would hear nothing and start nothing.
import { runInNewContext } from 'node:vm'

/** Far more than a name of a node takes on any machine; and many such messages in a row still leave time for work. */
const mostMs = 100
/** The time is that of a clock: a process that gets no processor meanwhile deserves another try. */
const tries = 3

/** Throws SyntaxError for one that is none, and Error for one that takes too long. */
export const matches = (source: string, text: string, what = 'the name of this node'): boolean => {
  const expression = new RegExp(source, 's')
  for (let left = tries; left > 0; left--)
    try {
      return Boolean(runInNewContext('expression.test(text)', { expression, text }, { timeout: mostMs }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    }
  throw new Error(
    `a pattern was not compared with ${what} within ${mostMs} ms: write it without repeats of repeats`,
  )
}
