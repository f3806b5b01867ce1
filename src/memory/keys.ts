// Under which keys the tables of the memory room hold their values.

export const theOne = ''

/** A queue has a list for each priority step, and one for redeliveries that is popped before them. */
export const listKey = (queue: string, list: number | 'redo'): string => `${queue}\n${list}`

/** And one for each task whose messages wait for their rate. */
export const parkedKey = (queue: string, task: string): string => `${queue}\n${JSON.stringify(task)}`

export const queueOfList = (key: string): string => key.slice(0, key.lastIndexOf('\n'))

export const chordKey = (chord: { readonly groupId: string; readonly bodyId: string }): string =>
  `${chord.groupId}\n${chord.bodyId}`

export const entryKey = (scope: string, entry: string): string => `${scope}\n${entry}`

export const priorityLists = [0, 1, 2, 3] as const

/** Kombu's steps 0, 3, 6, 9: rounded down, and kept between 0 and 9. */
export const stepOf = (priority: number): number => Math.floor(Math.min(Math.max(priority, 0), 9) / 3)
