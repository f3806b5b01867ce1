// The queues of a worker, more or fewer from afar. Celery answers before it has begun; we when it is so.
import { show, text } from '../fields.js'
import type { Command, QueueView } from './node.js'

const kinds: readonly QueueView['exchangeType'][] = ['direct', 'topic', 'fanout']

const nameOf = (queue: unknown): string => {
  const name = text(queue)
  if (name === null) throw new TypeError(`expected the name of a queue, got ${show(queue)}`)
  return name
}

const add: Command = async (node, { queue, exchange, exchange_type: kind, routing_key: key }) => {
  const name = nameOf(queue)
  const exchangeType = kinds.find((known) => known === (kind ?? 'direct'))
  if (exchangeType === undefined)
    throw new TypeError(`expected direct, topic or fanout as the type of an exchange, got ${show(kind)}`)
  await node.addQueue({
    name,
    exchange: text(exchange) ?? name,
    exchangeType,
    routingKey: text(key) ?? name,
  })
  return { ok: `add consumer ${name}` }
}

const cancel: Command = async (node, { queue }) => {
  const name = nameOf(queue)
  await node.leaveQueue(name)
  return { ok: `no longer consuming from ${name}` }
}

export const queueCommands: Readonly<Record<string, Command>> = { add_consumer: add, cancel_consumer: cancel }
