// A monitor that runs: hears the events of an app's workers, looks at its queues and dead letters each three seconds,
// and serves both as a page.
import { Cluster } from '../monitor/cluster.js'
import { type Looked, serveMonitor } from '../monitor/server.js'
import type { AppPort } from './app-port.js'
import { Fault } from './fault.js'

export interface MonitorOptions {
  readonly host: string
  /** 0 is any that is free. */
  readonly port: number
  /** How many tasks are kept. */
  readonly tasks: number
  /** Switches task events on in all workers, those that come later, too. */
  readonly enableEvents: boolean
}

export interface OpenMonitor {
  readonly url: string
  readonly broker: string
  /** Resolves when it is closed. */
  readonly ended: Promise<void>
  close(): Promise<void>
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

/** Rejects with a Fault when it cannot listen there. */
export const openMonitor = async (
  app: AppPort,
  { host, port, tasks, enableEvents }: MonitorOptions,
): Promise<OpenMonitor> => {
  const cluster = new Cluster(tasks)
  const now = (): number => Date.now() / 1000
  let looked: Looked = { queues: [], dead: [], trouble: null }
  const events = app.events('*')
  await events.ready()
  const { url: broker } = await app.broker()
  const page = await serveMonitor({ cluster, looked: () => looked, broker, now }, host, port).catch(
    async (error: unknown) => {
      await events.close()
      throw new Fault(`The monitor cannot listen at ${host}:${port}: ${String(error)}. Another --port?`)
    },
  )
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const refresh = async (): Promise<void> => {
    try {
      if (enableEvents) await app.control.enableEvents()
      looked = await look(app)
    } catch (error) {
      looked = { ...looked, trouble: `Queues and dead letters are old: ${String(error)}` }
    }
    if (!isOver) timer = setTimeout(refresh, everyMs)
  }
  const hear = async (): Promise<void> => {
    try {
      for await (const event of events) cluster.hear(event, now())
    } finally {
      isOver = true
      clearTimeout(timer)
      await page.close()
    }
  }
  void refresh()
  const ended = hear()
  return {
    url: page.url,
    broker,
    ended,
    close: async () => {
      await events.close()
      await ended
    },
  }
}
