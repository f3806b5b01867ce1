// A result as the text that is stored, and no larger than Redis, its readers and a worker's channel bear well.
import { EncodeError } from '../errors.js'
import { encodeValue } from './json.js'

/** Characters: 64 Mi. */
const most = 64 * 2 ** 20

/** @throws EncodeError for what cannot travel, or is too large to. */
export const resultText = (value: unknown, task: string): string => {
  const text = encodeValue(value, `the result of ${task}`)
  if (text.length > most)
    throw new EncodeError(
      `the result of ${task} is too large: ${text.length} characters of JSON, at most ${most} are stored. ` +
        'Put it where large things are kept, and return its address.',
    )
  return text
}
