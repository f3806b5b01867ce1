// Which queues an exchange gives a message to, by its routing key: kombu's three kinds.

/** A queue at an exchange. */
export interface Binding {
  readonly queue: string
  readonly exchange: string
  readonly exchangeType: 'direct' | 'topic' | 'fanout'
  /** Of a topic: a pattern. */
  readonly routingKey: string
}

const wordPattern = (word: string): string =>
  word === '*' ? '.*?[^\\.]' : word === '#' ? '.*?' : word.replace(/[$()+?[\\\]^{|}]/g, '\\$&')

/** Between words a dot; `*` is one word, `#` any number. This text is what kombu stores and its readers match with. */
export const topicPattern = (routingKey: string): string =>
  `^${routingKey.split('.').map(wordPattern).join('\\.')}$`

/** The pattern may come from outside. */
export const fits = (pattern: string, routingKey: string): boolean => {
  try {
    return new RegExp(pattern).test(routingKey)
  } catch {
    return false
  }
}

/** Whether a message with this key goes to that queue. */
export const isBoundBy = ({ exchangeType, routingKey }: Binding, key: string): boolean =>
  exchangeType === 'fanout' ||
  (exchangeType === 'topic' ? fits(topicPattern(routingKey), key) : routingKey === key)
