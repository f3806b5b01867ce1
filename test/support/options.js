// Options of a command of this repository. What is wrong with them is told in one line, with exit code 2.
import { parseArgs } from 'node:util'

const refuse = (sentence) => {
  console.error(sentence)
  process.exit(2)
}

/** As of `parseArgs`. */
export const readOptions = (options) => {
  try {
    return parseArgs({ allowPositionals: true, options })
  } catch (error) {
    if (!String(error.code).startsWith('ERR_PARSE_ARGS')) throw error
    const known = Object.keys(options).map((name) => `--${name}`)
    return refuse(`${error.message.split('. ')[0]}. There are: ${known.join(', ')}.`)
  }
}

export const readWhole = (option, text, least, most = Number.MAX_SAFE_INTEGER) => {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  const span = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  return refuse(`${option}: expected a whole number ${span}, got ${JSON.stringify(text)}.`)
}

/** What is named, upper and lower case alike; all of it when nothing is. */
export const readNames = (what, known, given) =>
  given.length === 0
    ? known
    : given.map(
        (word) =>
          known.find((name) => name.toLowerCase() === word.toLowerCase()) ??
          refuse(`There is no ${what} ${JSON.stringify(word)}. There are: ${known.join(', ')}.`),
      )
