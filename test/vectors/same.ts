// Messages and results of ours beside Celery's: what must be equal is brought into one form first. Ids are
// numbered in the order in which they appear, so that two texts are equal when the same ids stand in the
// same places. Left out is what says who wrote it and when.
//
// Three differences are deliberate, and are taken out here and nowhere else: the body of a chord is not
// repeated in its waiting header (Celery's texts grow by a factor of four at each nesting), options that are
// null are not written, and an errback's message tells the error in the header `lovage_error`.

type Dict = Readonly<Record<string, unknown>>

const isDict = (value: unknown): value is Dict =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const isSignature = (value: unknown): value is Dict & { readonly options: Dict; readonly kwargs: Dict } =>
  isDict(value) && typeof value['task'] === 'string' && isDict(value['options'])

/** Options that tell nothing to a worker of ours, or that are said by their absence. */
const silent = new Set(['reply_to', 'add_to_parent', 'producer'])

const options = (dict: Dict, without: readonly string[]): Dict =>
  Object.fromEntries(
    Object.entries(dict)
      .filter(([name, value]) => value !== null && !silent.has(name) && !without.includes(name))
      .map(([name, value]) => [name, plain(value)]),
  )

/** A member of a chord's header, or the header itself: without the body that Celery repeats in it. */
const headed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(headed)
  if (!isSignature(value)) return plain(value)
  const whole = plain(value) as Dict
  const inner = value.kwargs['tasks']
  const kwargs = inner === undefined ? whole['kwargs'] : { ...(whole['kwargs'] as Dict), tasks: headed(inner) }
  return { ...whole, kwargs, options: options(value.options, ['chord']) }
}

const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (!isDict(value)) return value
  if (!isSignature(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
  const kwargs = Object.fromEntries(
    Object.entries(value.kwargs).map(([name, item]) => [name, name === 'header' ? headed(item) : plain(item)]),
  )
  return { ...(value as Dict), args: plain(value['args']), kwargs, options: options(value.options, []) }
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Keys in order, ids by number. */
export const numbered = (value: unknown): unknown => {
  const numbers = new Map<string, string>()
  const number = (id: string): string => {
    if (!numbers.has(id)) numbers.set(id, `id ${numbers.size + 1}`)
    return numbers.get(id) as string
  }
  const walk = (item: unknown): unknown => {
    if (typeof item === 'string') return item.replaceAll(uuid, number)
    if (Array.isArray(item)) return item.map(walk)
    if (!isDict(item)) return item
    const keys = Object.keys(item).sort()
    return Object.fromEntries(keys.map((key) => [walk(key), walk(item[key])]))
  }
  return walk(value)
}

const lists = (text: unknown): string => String(text).replaceAll('(', '[').replaceAll(/,?\)/g, ']')

const written = new Set(['lang', 'origin', 'lovage_error'])

/** A message's envelope, its body decoded: what a worker would see. */
export const messageForm = (envelope: Dict): unknown => {
  const headers = envelope['headers'] as Dict
  const { correlation_id, delivery_info, priority } = envelope['properties'] as Dict
  const body = envelope['body']
  const parts = typeof body === 'string' ? JSON.parse(Buffer.from(body, 'base64').toString('utf8')) : body
  const kept = Object.entries(headers).filter(([name]) => !written.has(name))
  return {
    headers: {
      ...Object.fromEntries(kept),
      // For logs only; Python shows here whether it had a tuple or a list in hand.
      argsrepr: lists(headers['argsrepr']),
      kwargsrepr: lists(headers['kwargsrepr']),
      eta: headers['eta'] === null ? null : 'later',
      expires: headers['expires'] === null ? null : 'later',
    },
    properties: { correlation_id, delivery_info, priority: priority ?? 0 },
    body: plain(parts),
  }
}

/** A stored result, without its time and the text of its stack. */
export const resultForm = (meta: Dict): unknown => {
  const { date_done, traceback, ...rest } = meta
  return { ...rest, date_done: date_done === null ? null : 'now', traceback: traceback === null ? null : 'stack' }
}
