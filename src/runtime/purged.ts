// Where what is purged lies until it has ended (worker/purge.ts): a queue that nobody binds or sends to.
const prefix = 'lovage.purged.'

export const purgedQueue = (queue: string): string => prefix + queue

export const isPurged = (queue: string): boolean => queue.startsWith(prefix)
