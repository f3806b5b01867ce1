// memory://name: queues and results in this process, with every promise of the Redis room but durability.
import { ImproperlyConfigured } from '../errors.js'
import { maskUrl } from '../mask.js'
import type { OpenCarrier } from '../runtime/carrier.js'
import { MemoryBackend } from './backend.js'
import { MemoryBroker } from './broker.js'
import { MemoryMailbox } from './mailbox.js'
import { roomOf } from './room.js'

/** `memory://`, `memory://name`, and Celery's `memory://localhost/`. */
const nameOf = (url: string): string => {
  const name = /^memory:\/\/([^/?#]*)\/*$/.exec(url)?.[1]
  if (name === undefined)
    throw new ImproperlyConfigured(
      `Expected a URL like memory:// or memory://name, got ${url}. Apps of one process that give the same name share queues and results.`,
    )
  return name
}

export const openMemory: OpenCarrier = ({ brokerUrl, backendUrl, globalKeyPrefix, resultKeyPrefix }) => {
  const name = nameOf(brokerUrl)
  if (!backendUrl.startsWith('memory:') || nameOf(backendUrl) !== name)
    throw new ImproperlyConfigured(
      `The broker is ${brokerUrl}, so results lie there too: leave the result backend out, or make it ${brokerUrl} (it is ${maskUrl(backendUrl)}).`,
    )
  // Prefixes part what Redis would part by key; here they simply name another room.
  const room = roomOf(JSON.stringify([name, globalKeyPrefix, resultKeyPrefix]))
  const url = `memory://${name}`
  return {
    broker: new MemoryBroker(url, room),
    backend: new MemoryBackend(url, room),
    mailbox: new MemoryMailbox(room),
  }
}
