// What a tag, the name of our hold on a message, says of it: `<number>[:<list>]`, and letters behind it. The list is
// queue × 4 + priority step; it is left out where that is 0.

/** Its number: later requests have higher ones. */
export const numberOf = (tag: string): number => Number.parseInt(tag, 10)

/** Index of the list in a tag: queue × 4 + priority step. */
export const listOf = (tag: string): number => {
  const colon = tag.indexOf(':')
  return colon === -1 ? 0 : Number.parseInt(tag.slice(colon + 1), 10)
}

/** What is known of a delivery that began nowhere. */
export const firstNote = (tag: string): string => `0 - ${listOf(tag) & 3} -`

/** It is inside a gate. */
export const isGated = (field: string): boolean => field.includes('g')
