// The monitor's web server: one page, JSON, and server-sent events. It only shows. What it shows is what anybody with
// the broker's URL may read, and so it answers this machine alone unless it is told otherwise.
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Cluster } from './cluster.js'

export interface QueueSeen {
  readonly name: string
  readonly length: number
  readonly workers: readonly string[]
}

export interface LetterSeen {
  readonly id: string
  readonly queue: string
  readonly task: string | null
  readonly taskId: string | null
  readonly reason: string
  /** Unix seconds. */
  readonly diedAt: number
}

/** What is asked for, since nobody tells it. */
export interface Looked {
  readonly queues: readonly QueueSeen[]
  readonly dead: readonly LetterSeen[]
  /** Why some of it is old; null where it is not. */
  readonly trouble: string | null
}

export interface MonitorParts {
  readonly cluster: Cluster
  readonly looked: () => Looked
  readonly broker: string
  readonly now: () => number
}

const shownTasks = 200
const longest = 300
const everyMs = 500

const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.mjs': ['page.mjs', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
} as const

const guard = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|::1|\[::1\])$/.test(host)

/** Names of other machines that lead here (DNS rebinding) are no names of ours. */
const isForUs = (request: IncomingMessage, host: string): boolean =>
  !isLoopback(host) || isLoopback((request.headers.host ?? '').replace(/:\d+$/, ''))

const cut = (text: string | null): string | null =>
  text !== null && text.length > longest ? `${text.slice(0, longest)}…` : text

const stateOf = ({ cluster, looked, broker, now }: MonitorParts) => ({
  broker,
  now: now(),
  workers: cluster.workers(now()),
  totals: Object.fromEntries(cluster.totals),
  // (A traceback is for who asks for one task.)
  tasks: cluster.tasks(shownTasks).map(({ traceback: _traceback, ...task }) => ({
    ...task,
    args: cut(task.args),
    kwargs: cut(task.kwargs),
    result: cut(task.result),
    exception: cut(task.exception),
  })),
  ...looked(),
})

const json = (response: ServerResponse, status: number, value: unknown): void => {
  response.writeHead(status, { ...guard, 'content-type': 'application/json; charset=utf-8' })
  response.end(`${JSON.stringify(value)}\n`)
}

const apis: Readonly<Record<string, (parts: MonitorParts) => unknown>> = {
  '/api/state': stateOf,
  '/api/workers': ({ cluster, now }) => cluster.workers(now()),
  '/api/tasks': (parts) => stateOf(parts).tasks,
  '/api/queues': ({ looked }) => looked().queues,
  '/api/dead': ({ looked }) => looked().dead,
}

export interface Monitor {
  readonly url: string
  close(): Promise<void>
}

/** Resolves when it answers. Rejects where the port is not to be had. */
export const serveMonitor = async (parts: MonitorParts, host: string, port: number): Promise<Monitor> => {
  const streams = new Set<ServerResponse>()
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(request.url ?? '/', 'http://monitor')
    if (!isForUs(request, host)) return json(response, 403, { error: 'This monitor answers to localhost.' })
    if (request.method !== 'GET') return json(response, 405, { error: 'This monitor only shows: GET.' })
    if (pathname === '/api/events') return stream(response)
    const api = Object.hasOwn(apis, pathname) ? apis[pathname] : undefined
    if (api !== undefined) return json(response, 200, api(parts))
    const one = /^\/api\/tasks\/([^/]+)$/.exec(pathname)?.[1]
    if (one !== undefined) {
      const task = parts.cluster.task(decodeURIComponent(one))
      return task === undefined
        ? json(response, 404, { error: `Nothing was heard of a task ${one}.` })
        : json(response, 200, task)
    }
    if (!Object.hasOwn(files, pathname)) return json(response, 404, { error: `There is no ${pathname}.` })
    const [name, type] = files[pathname as keyof typeof files]
    response.writeHead(200, { ...guard, 'content-type': type })
    response.end(readFileSync(new URL(`page/${name}`, import.meta.url)))
  }
  const stream = (response: ServerResponse): void => {
    response.writeHead(200, { ...guard, 'content-type': 'text/event-stream' })
    response.write(line())
    streams.add(response)
    response.on('close', () => streams.delete(response))
  }
  const line = (): string => `data: ${JSON.stringify(stateOf(parts))}\n\n`
  const timer = setInterval(() => {
    if (streams.size === 0) return
    const news = line()
    // Who reads slowly gets the next one.
    for (const response of streams) if (!response.writableNeedDrain) response.write(news)
  }, everyMs)
  const server = createServer((request, response) => {
    try {
      answer(request, response)
    } catch {
      json(response, 400, { error: 'This address cannot be read.' })
    }
  })
  server.listen(port, host)
  await Promise.race([
    once(server, 'listening'),
    once(server, 'error').then(([error]) => Promise.reject(error as Error)),
  ])
  return {
    url: urlOf(server, host),
    close: async () => {
      clearInterval(timer)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const urlOf = (server: Server, host: string): string => {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`
}
