// Celery's `worker_direct`: a queue that only one worker consumes. Names are of its making, so that its clients reach
// the worker too.

export const directExchange = 'C.dq2'

const ending = '.dq2'

/** `hostname` is the routing key at the exchange as well. */
export const directName = (hostname: string): string => hostname + ending

export const isDirect = (queue: string): boolean => queue.endsWith(ending)
