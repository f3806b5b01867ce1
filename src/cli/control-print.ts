// What nodes answered, as Celery's command line prints it.

const indented = (text: string, by: number): string =>
  text
    .split('\n')
    .map((line) => ' '.repeat(by) + line)
    .join('\n')

const sorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, item]) => [key, sorted(item)]),
      )
    : Array.isArray(value)
      ? value.map(sorted)
      : value

const itemText = (item: unknown): string => (typeof item === 'string' ? item : JSON.stringify(sorted(item)))

/** Status word, and the text below it. */
const payloadText = (payload: unknown): readonly [status: string, text: string] => {
  if (payload === null || payload === undefined) return ['OK', indented('None', 4)]
  if (Array.isArray(payload))
    return [
      'OK',
      indented(
        payload.length === 0 ? '- empty -' : payload.map((item) => `* ${itemText(item)}`).join('\n'),
        4,
      ),
    ]
  if (typeof payload === 'object') {
    if ('ok' in payload) return ['OK', indented(String(payload.ok), 8)]
    if ('error' in payload) return ['ERROR', indented(String(payload.error), 8)]
    return ['OK', indented(JSON.stringify(sorted(payload), null, 4), 4)]
  }
  return ['OK', indented(itemText(payload), 4)]
}

export const replyText = (reply: Readonly<Record<string, unknown>>): string =>
  Object.entries(reply)
    .map(([node, payload]) => {
      const [status, text] = payloadText(payload)
      return `->  ${node}: ${status}\n${text}`
    })
    .join('\n')

export const onlineText = (count: number): string => `\n${count} ${count === 1 ? 'node' : 'nodes'} online.`
