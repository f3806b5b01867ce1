// What a Redis may do to us, each done by a real one: how it begins and ends, what a worker says, and what those who
// publish and those who look at a result are told meanwhile. docs/guarantees.md has the same table.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { ask } from '../../support/inline-redis.js'
import { cutAll } from '../../support/cut.js'
import { temporaryDirectory } from '../../support/processes.js'
import type { TestRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'

export interface Place {
  readonly server: TestRedis
  /** As a user who may do everything, whatever the others may. */
  readonly admin: Redis
  /** Of worker and publisher. */
  readonly queue: string
}

export interface Misdeed {
  /** As in the docs' table. */
  readonly name: string
  /** What it began is given to its end. */
  readonly begin: (place: Place) => Promise<unknown>
  readonly end: (place: Place, began: unknown) => Promise<unknown>
  /** What the worker says, once; null: it notices nothing. */
  readonly says: RegExp | null
  /** The error of whoever publishes; null: it goes through. */
  readonly publisher: RegExp | null
  /** The error of whoever looks at a result; null: it gets an answer. */
  readonly reader: RegExp | null
  /** What lay there is gone. */
  readonly forgets?: true
}

/** Of a server that can do all this: it has an admin, and takes a millisecond to load a key. */
export const serverArgs = [
  '--user admin on >admin ~* &* +@all',
  '--enable-debug-command yes --enable-protected-configs yes',
  '--key-load-delay 1000 --loading-process-events-interval-bytes 1024',
].flatMap((words) => words.split(' '))

const nothing = async (): Promise<void> => undefined

/** Connections keep the rights that they had: all must come again. */
const cut = async ({ admin }: Place): Promise<void> => {
  await cutAll(admin)
}

const answers = (server: TestRedis, pattern: RegExp): Promise<unknown> =>
  until(async () => pattern.test(String(await ask(server.url, ['GET nothing']).catch(String))), {
    interval: 50,
  })

export const misdeeds: readonly Misdeed[] = [
  {
    name: 'its scripts are flushed',
    begin: ({ admin }) => admin.script('FLUSH'),
    end: nothing,
    says: null,
    publisher: null,
    reader: null,
  },
  {
    name: 'it became a replica (READONLY)',
    begin: ({ admin }) => admin.call('REPLICAOF', '127.0.0.1', '1'),
    end: ({ admin }) => admin.call('REPLICAOF', 'NO', 'ONE'),
    says: /does not take commands now \(READONLY .*must lead to the new primary/,
    publisher: /^OperationalError: (Not published|No answer) within 1 s.*READONLY/,
    reader: null,
  },
  {
    name: 'it cannot save (MISCONF)',
    begin: async ({ admin }) => {
      const before = (await admin.config('GET', 'dir')) as readonly string[]
      const gone = join(temporaryDirectory('gone'), 'gone')
      mkdirSync(gone)
      await admin.config('SET', 'dir', gone, 'save', '3600 1', 'stop-writes-on-bgsave-error', 'yes')
      rmSync(gone, { recursive: true })
      await admin.bgsave().catch(() => undefined)
      await until(async () => /rdb_last_bgsave_status:err/.test(await admin.info('persistence')))
      return before[1]
    },
    end: ({ admin }, before) => admin.config('SET', 'save', '', 'dir', before as string),
    says: /does not take commands now \(MISCONF .*cannot save to disk/,
    publisher: /^OperationalError: (Not published|No answer) within 1 s.*MISCONF/,
    reader: null,
  },
  {
    name: 'it is full (OOM)',
    begin: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    end: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
    says: /is full \(OOM /,
    publisher: /^BrokerFull: Not published\. .*is full/,
    reader: null,
  },
  {
    name: 'it wants a password (NOAUTH)',
    begin: async (place) => {
      await place.admin.config('SET', 'requirepass', 'changed')
      await cut(place)
    },
    end: ({ admin }) => admin.config('SET', 'requirepass', ''),
    says: /refuses us \(NOAUTH /,
    publisher: /^OperationalError: .*refuses us \(NOAUTH /,
    reader: /^OperationalError: .*refuses us \(NOAUTH /,
  },
  {
    name: 'its ACL forbids scripts (NOPERM)',
    begin: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '-@scripting'),
    end: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '+@all'),
    says: /refuses us \(NOPERM .*the user's ACL/,
    publisher: /^OperationalError: Not published\. .*refuses us \(NOPERM /,
    reader: null,
  },
  {
    name: 'a script blocks it (BUSY)',
    begin: async ({ admin, server }) => {
      await admin.config('SET', 'busy-reply-threshold', '50')
      const blocking = admin.duplicate()
      const blocked = blocking.eval('while true do end', 0).catch(() => blocking.disconnect())
      await answers(server, /BUSY/)
      return { blocked }
    },
    end: async ({ admin }, began) => {
      await admin.call('SCRIPT', 'KILL')
      await (began as { readonly blocked: Promise<unknown> }).blocked
    },
    says: /does not take commands now \(BUSY .*SCRIPT KILL ends it/,
    publisher: /^OperationalError: (Not published|No answer) within 1 s.*BUSY/,
    reader: /^OperationalError: .*BUSY/,
  },
  {
    name: 'it stands still',
    begin: async ({ server }) => process.kill(server.pid as number, 'SIGSTOP'),
    end: async ({ server }) => process.kill(server.pid as number, 'SIGCONT'),
    says: null,
    publisher: /^OperationalError: No answer within 1 s: it may have arrived or not\./,
    reader: /^OperationalError: Cannot reach Redis/,
  },
  {
    name: 'a queue’s key holds something else',
    begin: async ({ admin, queue }) => {
      await until(async () => (await admin.exists(queue)) === 0)
      await admin.set(queue, 'a text')
    },
    end: ({ admin, queue }) => admin.del(queue),
    says: /The key "faults" at .* was expected to hold a list of Lovage's, and holds something else\. Remove the key/,
    publisher: /^OperationalError: Cannot publish to queue "faults": the key "faults" at .* no queue\./,
    reader: null,
  },
  {
    name: 'the key of held messages holds something else',
    begin: ({ admin, queue }) => admin.set(`lovage:eta:${queue}`, 'a text'),
    end: ({ admin, queue }) => admin.del(`lovage:eta:${queue}`),
    says: /The key "lovage:eta:faults" at .* was expected to hold a zset of Lovage's/,
    publisher: null,
    reader: null,
  },
  {
    name: 'everything is deleted (FLUSHALL)',
    begin: ({ admin }) => admin.flushall(),
    end: nothing,
    says: /The lease was lost/,
    publisher: null,
    reader: null,
    forgets: true,
  },
  {
    name: 'it loads its data (LOADING)',
    begin: async ({ admin, server }) => {
      await admin.call('DEBUG', 'POPULATE', '4000', 'ballast', '10')
      await admin.save()
      const restarted = server.restart({ hard: true })
      await answers(server, /LOADING/)
      return { restarted }
    },
    end: (_place, began) => (began as { readonly restarted: Promise<unknown> }).restarted,
    says: /does not take commands now \(LOADING .*, \d+ %\)\. It reads its data from disk; that passes/,
    publisher: /^OperationalError: .*(LOADING |was lost|ECONNREFUSED)/,
    reader: /^OperationalError: .*does not take commands now \(LOADING /,
  },
]
