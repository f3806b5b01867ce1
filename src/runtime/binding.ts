// Which queues an exchange gives a message to, by its routing key: kombu's three kinds.
import { matches } from './control/bounded-match.js'

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

const most = 1000
const gap = '.*?'
/** As `topicPattern` writes it: words, and gaps between them. */
const own = /^\^(?:[^.*+?()[\]{}|\\^$]|\\[^\w]|\.\*\?(?:\[\^\\\.\])?)*\$$/

/** Whether it is soon compared: with each gap more it may take longer by the length of the key. */
const isTame = (pattern: string, routingKey: string): boolean =>
  pattern.length <= most && routingKey.length <= most && pattern.split(gap).length <= 3 && own.test(pattern)

/** The pattern may come from outside. Throws where it would take too long to compare. */
export const fits = (pattern: string, routingKey: string): boolean => {
  if (isTame(pattern, routingKey)) return new RegExp(pattern).test(routingKey)
  try {
    return matches(pattern, routingKey, `the routing key ${routingKey.slice(0, 60)}`)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Whether a message with this key goes to that queue. */
export const isBoundBy = ({ exchangeType, routingKey }: Binding, key: string): boolean =>
  exchangeType === 'fanout' ||
  (exchangeType === 'topic' ? fits(topicPattern(routingKey), key) : routingKey === key)
