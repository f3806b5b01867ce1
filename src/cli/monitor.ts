// lovage monitor: a page in the browser with workers, tasks, queues and dead letters, until a signal ends it.
import { Command } from 'commander'
import { Cluster } from '../monitor/cluster.js'
import { type Looked, serveMonitor } from '../monitor/server.js'
import type { AppPort } from './app-port.js'
import { appFor, type Context } from './context.js'
import { Fault } from './fault.js'
import { port, whole } from './options.js'

interface Options {
  readonly host: string
  readonly port: number
  readonly tasks: number
  readonly enableEvents?: boolean
}

const everyMs = 3000
const mostDead = 100

/** The queues that somebody consumes, and those that the app knows: name → nodes. */
const consumers = async (app: AppPort): Promise<Map<string, string[]>> => {
  const known = new Map<string, string[]>([[app.settings.taskDefaultQueue, []]])
  for (const name of app.settings.taskQueues.keys()) known.set(name, [])
  for (const reply of await app.control.broadcast('active_queues', {}, { reply: true }))
    for (const [node, queues] of Object.entries(reply))
      for (const { name } of Array.isArray(queues) ? (queues as { name?: unknown }[]) : [])
        if (typeof name === 'string') known.set(name, [...(known.get(name) ?? []), node])
  return known
}

const look = async (app: AppPort): Promise<Looked> => {
  const [known, broker, letters] = await Promise.all([
    consumers(app),
    app.broker(),
    app.dead.list({ limit: mostDead }),
  ])
  const queues = await Promise.all(
    [...known].map(async ([name, workers]) => ({ name, workers, length: await broker.length(name) })),
  )
  return {
    queues: queues.sort((a, b) => (a.name < b.name ? -1 : 1)),
    dead: letters.map(({ id, queue, task, taskId, reason, diedAt }) => ({
      id,
      queue,
      task,
      taskId,
      reason,
      diedAt: diedAt.getTime() / 1000,
    })),
    trouble: null,
  }
}

export const monitorCommand = ({ io }: Context): Command =>
  new Command('monitor')
    .description('a page in the browser: workers, tasks, queues, dead letters, as it happens')
    .option('--host <address>', 'who may look: this machine alone, unless you say 0.0.0.0', '127.0.0.1')
    .option('-p, --port <port>', 'where; 0 is any that is free', port, 5555)
    .option('--tasks <count>', 'how many tasks are kept', whole, 10_000)
    .option('--enable-events', 'switch task events on in all workers, those that come later, too')
    .action(async ({ host, port: wanted, tasks, enableEvents = false }: Options, command: Command) => {
      const app = await appFor(command, io, false)
      const cluster = new Cluster(tasks)
      let looked: Looked = { queues: [], dead: [], trouble: null }
      const events = app.events('*')
      const stop = (): void => void events.close()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
      const refresh = async (): Promise<void> => {
        if (enableEvents) await app.control.enableEvents()
        looked = await look(app)
      }
      let timer: NodeJS.Timeout | undefined
      let isOver = false
      const again = (): void => {
        void refresh()
          .catch((error: unknown) => {
            looked = { ...looked, trouble: `Queues and dead letters are old: ${String(error)}` }
          })
          .finally(() => {
            if (!isOver) timer = setTimeout(again, everyMs)
          })
      }
      const now = (): number => Date.now() / 1000
      try {
        await events.ready()
        const { url: broker } = await app.broker()
        const parts = { cluster, looked: () => looked, broker, now }
        const monitor = await serveMonitor(parts, host, wanted).catch((error: unknown) => {
          throw new Fault(`The monitor cannot listen at ${host}:${wanted}: ${String(error)}. Another --port?`)
        })
        io.out(`Monitor of ${broker}: ${monitor.url}`)
        again()
        for await (const event of events) cluster.hear(event, now())
        await monitor.close()
      } finally {
        isOver = true
        clearTimeout(timer)
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
        await app.close()
      }
    })
