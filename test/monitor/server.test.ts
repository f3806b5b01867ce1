// The monitor's server: what it shows, to whom, and that it does nothing else.
import { request } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Cluster } from '../../src/monitor/cluster.js'
import { type Looked, type Monitor, serveMonitor } from '../../src/monitor/server.js'

const evil = '<script>alert(1)</script>'
const looked: Looked = {
  queues: [{ name: 'celery', length: 3, workers: ['w@host'] }],
  dead: [{ id: 'a', queue: 'celery', task: null, taskId: null, reason: 'bad', diedAt: 7 }],
  trouble: null,
}
let cluster: Cluster
let monitor: Monitor

beforeEach(async () => {
  cluster = new Cluster(10)
  cluster.hear({ type: 'worker-online', hostname: 'w@host', timestamp: 1, freq: 2, active: 0 }, 10)
  cluster.hear(
    {
      type: 'task-failed',
      hostname: 'w@host',
      timestamp: 1,
      uuid: 'id/1',
      exception: evil.repeat(20),
      traceback: 'long',
    },
    10,
  )
  monitor = await serveMonitor(
    { cluster, looked: () => looked, broker: 'redis://user:**@host/0', now: () => 11 },
    '127.0.0.1',
    0,
  )
})
afterEach(() => monitor.close())

const get = (path: string) => fetch(new URL(path, monitor.url))

it('the page and its parts allow nothing from elsewhere', async () => {
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.mjs', 'text/javascript'],
    ['/style.css', 'text/css'],
  ] as const) {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(await response.text()).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|https?:\/\//)
  }
})

it('JSON for programs', async () => {
  const state = (await (await get('/api/state')).json()) as Record<string, any>
  expect(state).toMatchObject({ ...looked, broker: 'redis://user:**@host/0', totals: { FAILURE: 1 } })
  expect(state['workers']).toMatchObject([{ hostname: 'w@host', alive: true }])
  expect(state['tasks'][0].exception).toHaveLength(301)
  expect(state['tasks'][0]).not.toHaveProperty('traceback')
  expect(await (await get('/api/workers')).json()).toEqual(state['workers'])
  expect(await (await get('/api/tasks')).json()).toEqual(state['tasks'])
  expect(await (await get('/api/queues')).json()).toEqual(looked.queues)
  expect(await (await get('/api/dead')).json()).toEqual(looked.dead)
  expect(await (await get('/api/tasks/id%2F1')).json()).toMatchObject({ uuid: 'id/1', traceback: 'long' })
})

it('what is not there', async () => {
  for (const path of ['/api/tasks/none', '/api/nothing', '/../server.js', '/constructor', '/api/__proto__'])
    expect((await get(path)).status).toBe(404)
  expect((await get('/api/tasks/%E0')).status).toBe(400)
  expect((await fetch(monitor.url, { method: 'POST' })).status).toBe(405)
})

it('another name that leads here is refused', async () => {
  const status = await new Promise((resolve, reject) => {
    const asked = request(monitor.url, { headers: { host: 'evil.example' } }, ({ statusCode }) =>
      resolve(statusCode),
    )
    asked.on('error', reject).end()
  })
  expect(status).toBe(403)
})

it('tells what is new', async () => {
  const response = await get('/api/events')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let told = ''
  const heard = async (what: string) => {
    while (!told.includes(what)) told += (await reader.read()).value
  }
  await heard('id/1')
  cluster.hear({ type: 'task-started', hostname: 'w@host', timestamp: 1, uuid: 'the-next' }, 11)
  await heard('the-next')
  await reader.cancel()
})

it('a port that is taken is an error', async () => {
  const { port } = new URL(monitor.url)
  await expect(
    serveMonitor({ cluster, looked: () => looked, broker: '', now: () => 0 }, '127.0.0.1', Number(port)),
  ).rejects.toThrow('EADDRINUSE')
})
