// memory:// in a child of a pool: queues and results are in its parent, and what user code sends and reads there
// goes by the channel. Only what a task may want is there; who looks after queues does so in the worker's process.
import { InvalidUsage, OperationalError } from '../../errors.js'
import type { Json } from '../../pools/pool.js'
import type { Backend } from '../backend.js'
import type { Broker, PublishOptions } from '../broker.js'
import type { Publication } from '../publication.js'
import type { Carrier } from '../carrier.js'
import type { Mailbox } from '../mailbox.js'

/** What a child asks for. */
export type FarCall =
  | readonly ['publish', publication: Publication, options: PublishOptions]
  | readonly ['route', exchange: string, routingKey: string]
  | readonly ['length', queue: string]
  | readonly ['broadcast', exchange: string, raw: string, routingKey: string]
  | readonly ['read', taskIds: readonly string[]]
  | readonly ['forget', taskIds: readonly string[], groupIds: readonly string[]]
  | readonly ['saveGroup', groupId: string, text: string, expires: number]
  | readonly ['readGroup', groupId: string]

/** A result that is waited for is looked at this often. */
const lookEveryMs = 50

/** In the child. `ask` puts a question to the parent. */
export const farCarrier = (url: string, ask: (call: Json) => Promise<Json>): Carrier => {
  const call = async <T>(...question: FarCall): Promise<T> => {
    try {
      return (await ask(question as unknown as Json)) as T
    } catch (error) {
      throw new OperationalError((error as Error).message, { cause: error })
    }
  }
  const not = (what: string) => (): Promise<never> =>
    Promise.reject(
      new InvalidUsage(
        `${what} cannot be had in a child of a pool on ${url}: ask in the worker's own process.`,
      ),
    )
  const broker: Broker = {
    url,
    now: () => Date.now(),
    publish: (publication, options = {}) => call('publish', publication, options),
    route: (exchange, routingKey) => call('route', exchange, routingKey),
    length: (queue) => call('length', queue),
    consume: not('A consumer'),
    fire: not('A beat'),
    lead: not('A beat'),
    inspect: not('The state of the broker'),
    examine: not('The state of the broker'),
    revoke: not('revoke'),
    revoked: not('What is revoked'),
    deferred: not('What a queue holds back'),
    purge: not('purge'),
    setAside: not('purge'),
    dead: {
      list: not('Dead letters'),
      ids: not('Dead letters'),
      read: not('Dead letters'),
      revive: not('Dead letters'),
      purge: not('Dead letters'),
    },
    close: () => Promise.resolve(),
  }
  const read = (taskIds: readonly string[]): Promise<readonly (string | null)[]> => call('read', taskIds)
  const backend: Backend = {
    url,
    read,
    watch: (taskId, listener, onTrouble) => watch(taskId, read, listener, onTrouble),
    expect: () => () => undefined,
    forget: (taskIds, groupIds = []) => call('forget', taskIds, groupIds),
    saveGroup: (groupId, text, expires) => call('saveGroup', groupId, text, expires),
    readGroup: (groupId) => call('readGroup', groupId),
    close: () => Promise.resolve(),
  }
  const mailbox = {
    listen: not('Remote control'),
    broadcast: (exchange: string, raw: string, routingKey = ''): Promise<void> =>
      call('broadcast', exchange, raw, routingKey),
    reply: not('Remote control'),
    replies: not('Remote control'),
    close: () => Promise.resolve(),
  }
  return { broker, backend, mailbox }
}

const watch = (
  taskId: string,
  read: Backend['read'],
  listener: (text: string) => void,
  onTrouble: (error: Error) => void = () => undefined,
): (() => void) => {
  let last: string | null = null
  let isWatching = true
  const look = (): void => {
    read([taskId]).then(
      ([text]) => {
        if (!isWatching || text == null || text === last) return
        last = text
        listener(text)
      },
      (error: Error) => {
        if (isWatching) onTrouble(error)
      },
    )
  }
  const timer = setInterval(look, lookEveryMs)
  queueMicrotask(look)
  return () => {
    isWatching = false
    clearInterval(timer)
  }
}

/** In the parent. */
export const answerFar = async (
  call: FarCall,
  open: {
    readonly broker: () => Promise<Broker>
    readonly backend: () => Promise<Backend>
    readonly mailbox: () => Promise<Mailbox>
  },
): Promise<Json> => {
  switch (call[0]) {
    case 'publish':
      await (await open.broker()).publish(call[1], call[2])
      return null
    case 'route':
      return (await open.broker()).route(call[1], call[2])
    case 'length':
      return (await open.broker()).length(call[1])
    case 'broadcast':
      await (await open.mailbox()).broadcast(call[1], call[2], call[3])
      return null
    case 'read':
      return (await open.backend()).read(call[1])
    case 'forget':
      await (await open.backend()).forget(call[1], call[2])
      return null
    case 'saveGroup':
      await (await open.backend()).saveGroup(call[1], call[2], call[3])
      return null
    default:
      return (await open.backend()).readGroup(call[1])
  }
}
