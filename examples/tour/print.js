// How the tour looks: code on the left, what came out of it on the right; colours on a terminal only.
import { inspect } from 'node:util'
import { isLovageError } from 'lovage'

const colourful = process.stdout.isTTY === true && process.env.NO_COLOR === undefined

const paint = (code) => (text) => (colourful ? `\u001B[${code}m${text}\u001B[0m` : text)
const bold = paint('1')
const dim = paint('2')
const green = paint('32')

const width = 92

export const createPrinter = () => {
  const startedAt = performance.now()
  return {
    title: (text) => console.log(`\n${bold(text)}`),
    section: (text) => console.log(`\n${dim(`// ${text}`)}`),

    /** Runs one step and prints it with its result; gives the result back. */
    step: async (code, run, show = (value) => inspect(value, { breakLength: Number.POSITIVE_INFINITY })) => {
      const value = await run()
      console.log(`${code.padEnd(width)} ${dim('→')} ${green(show(value))}`)
      return value
    },

    end: () => console.log(`\n${dim(`Done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`)}\n`),
  }
}

/** A wrong option, a Redis that is not there: one sentence. Anything else with its stack. */
export const sayWhatIsWrong = (error) => {
  const isPlain = isLovageError(error) || String(error?.code).startsWith('ERR_PARSE_ARGS')
  console.error(isPlain ? `\n${error.message}\n` : error)
  process.exit(1)
}
