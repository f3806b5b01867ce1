// The inspect commands: questions about a worker, answered from what it knows at this moment.
import { describeQueue, describeRegistered, describeScheduled, describeTask } from './describe.js'
import { describeSettings } from './conf.js'
import { monotonic, readRevoked } from './hello.js'
import type { Command, Node } from './node.js'
import { memorySample, reportOf, statsOf } from './stats.js'
import { words } from './words.js'

const active: Command = (node, { safe }) =>
  node.active().map((task) => describeTask(task, node.hostname, Boolean(safe)))

const reserved: Command = (node) => node.reserved().map((task) => describeTask(task, node.hostname))

const scheduled: Command = async (node) =>
  (await node.scheduled()).map((entry) => describeScheduled(entry, node.hostname))

const registered: Command = (node, { taskinfoitems, builtins }) => {
  const items = words(taskinfoitems)
  const shown = items.length > 0 ? items : ['exchange', 'routing_key', 'rate_limit']
  return node.registry
    .names()
    .filter((name) => Boolean(builtins) || !name.startsWith('celery.'))
    .map((name) => describeRegistered(node.registry.runnable(name), shown))
}

const queryTask: Command = (node, { ids }) => {
  const wanted = new Set(words(ids))
  const found = (state: string, tasks: ReturnType<Node['active']>) =>
    tasks
      .filter(({ message }) => wanted.has(message.id))
      .map((task) => [task.message.id, [state, describeTask(task, node.hostname)]] as const)
  return Object.fromEntries([...found('reserved', node.reserved()), ...found('active', node.active())])
}

/** A neighbour that starts: what is revoked is told both ways. */
const hello: Command = async (node, { from_node: from, revoked }) => {
  if (from === node.hostname) return null
  const ids = readRevoked(revoked)
  const known = new Set(node.revoked())
  const news = ids.filter((id) => !known.has(id))
  if (news.length > 0) await node.revoke(news, [])
  node.clock.value += 1
  const added = monotonic()
  return {
    revoked: Object.fromEntries(node.revoked().map((id) => [id, [added, id]])),
    clock: node.clock.value,
  }
}

export const inspectCommands: Readonly<Record<string, Command>> = {
  ping: () => ({ ok: 'pong' }),
  active,
  reserved,
  scheduled,
  query_task: queryTask,
  revoked: (node) => node.revoked(),
  registered,
  active_queues: (node) => node.queues.map(describeQueue),
  stats: statsOf,
  clock: (node) => ({ clock: node.clock.value }),
  conf: (node, { with_defaults: all }) => describeSettings(node.settings, all ? undefined : node.changed),
  report: (node) => ({ ok: reportOf(node) }),
  memsample: memorySample,
  memdump: () => `- rss (end): ${memorySample()}.\n`,
  objgraph: () => ({
    error: 'There is no objgraph here: start the worker with `node --heapsnapshot-signal=SIGUSR2` instead.',
  }),
  hello,
}

/** Their names before Celery 3.1. */
export const aliases: Readonly<Record<string, string>> = {
  dump_active: 'active',
  dump_reserved: 'reserved',
  dump_schedule: 'scheduled',
  dump_revoked: 'revoked',
  dump_tasks: 'registered',
  dump_conf: 'conf',
}
