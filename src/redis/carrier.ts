// The door of the Redis room: URLs in, Broker and Backend out. Nothing is connected yet.
import type { OpenCarrier } from '../runtime/carrier.js'
import { sameAccess, sameServer } from './address.js'
import { RedisBackend } from './backend.js'
import { RedisBroker } from './broker.js'
import { Keys } from './keys.js'
import { Link } from './link.js'
import { RedisMailbox } from './mailbox.js'
import { parseAddress } from './url.js'

export const openRedis: OpenCarrier = ({
  brokerUrl,
  backendUrl,
  sentinels,
  globalKeyPrefix,
  resultKeyPrefix,
  sharing,
  timeout,
  log,
}) => {
  const address = parseAddress('broker', brokerUrl, sentinels?.broker)
  const results = parseAddress('backend', backendUrl, sentinels?.results)
  const keys = new Keys(globalKeyPrefix, resultKeyPrefix, sharing)
  const isFar = !sameServer(address, results)
  const apart = isFar || address.database === results.database ? '' : String(results.database)
  const written = isFar ? `>${keys.outbox}` : apart
  const databases = { broker: String(address.database), results: apart, written }

  const broker = new RedisBroker({
    address,
    ...(isFar && { farResults: results }),
    resultsUrl: results.masked,
    keys,
    databases,
    timeoutSeconds: timeout,
    log,
  })
  // One connection if it can be: a message and the wait for its result leave together.
  const link = sameAccess(address, results)
    ? broker.link
    : new Link({ address: results, name: 'lovage-results' })
  const openReader = () => new Link({ address: results, name: 'lovage-reader' })
  const backend = new RedisBackend(results.masked, link, keys, timeout, openReader)
  const mailbox = new RedisMailbox({ address, keys, timeoutSeconds: timeout })
  return { broker, backend, mailbox }
}
