// What a value may be at most, so that it hurts no Python peer: checked when it is sent and when it is read.

/** Levels of arrays and objects in one argument or result. Past some 470, a Python worker dies of it. */
export const maxValueDepth = 256
/** Levels in a whole text: a value, and the message, chain or list of results around it. */
export const maxTextDepth = 320
/** As far as the setting canvasMaxLevels goes. */
export const mostCanvasLevels = 1000
/** Levels that are left for arguments in a message beside its canvas. */
const argumentLevels = maxTextDepth - 290

/** Levels in the text of a message, where a canvas may have so many. */
export const textDepthOf = (canvasLevels: number): number =>
  Math.max(maxTextDepth, canvasLevels + argumentLevels)

/**
 * Arrays, objects and members of objects in the text of one message. They cost what bytes do not: 600 KB can inflate to
 * what takes half a minute and gigabytes to build.
 */
export const maxParts = 2_000_000

/** Places of which one text's wrappers of superjson may speak. */
export const maxPlaces = 500_000

/** Characters of all regular expressions in one text: five of them may take a tenth of a millisecond to read, and millions end the process. */
export const maxRegExpText = 10_000

/** Python refuses to read longer integers, and drops the message. */
export const maxDigits = 4300

let tooLarge: bigint | undefined

/** Has the integer more than 4300 digits? Compared, because writing out a giant one takes seconds. */
export function hasTooManyDigits(value: bigint): boolean {
  tooLarge ??= 10n ** BigInt(maxDigits)
  return value >= tooLarge || value <= -tooLarge
}
