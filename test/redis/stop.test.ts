// A worker that is told to stop while its Redis is away: it ends, and nothing is lost.
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { createLogger } from '../../src/log.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const persistent = ['--appendonly', 'yes', '--appendfsync', 'always']

it.concurrent.each([
  ['warm', 'idle'],
  ['warm', 'when a task has ended'],
  ['cold', 'idle'],
  ['cold', 'while a task runs'],
])('ends: %s, %s', async (how, what) => {
  const server = await startRedis({ own: true, args: persistent })
  const lines: string[] = []
  const log = createLogger({ level: 'WARNING', write: (line) => void lines.push(line) })
  const app = createApp('stop', { broker: server.url, workerLease: 2 })
  const starts: number[] = []
  let open: (value: string) => void = () => undefined
  const passed = new Promise<string>((resolve) => {
    open = resolve
  })
  app.task('stop.nap', function () {
    starts.push(this.request.attempt)
    return passed
  })
  const worker = await app.worker({ log }).start()
  const sent = what === 'idle' ? undefined : await app.sendTask('stop.nap')
  await until(() => starts.length === (sent ? 1 : 0))
  await server.stop()
  if (what !== 'while a task runs') open('slept')
  await worker.stop({ cold: how === 'cold' })
  await app.close()
  open('slept')
  if (sent) {
    expect(lines).toContainEqual(expect.stringContaining('The broker takes nothing'))
    await server.restart()
    await app.worker({ log, hostname: 'next@host' }).start()
    expect(await app.result(sent.id).get({ timeout: 20 })).toBe('slept')
    expect(starts).toHaveLength(2)
    await app.close()
  }
  await server.stop()
})
