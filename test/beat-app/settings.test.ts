// Settings of beats, each seen in its effect.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { type App, createApp, crontab, every } from '../../src/index.js'
import { createLogger } from '../../src/log.js'
import { temporaryDirectory } from '../support/processes.js'
import { until } from '../support/until.js'

let app: App
let count = 0
const open = (settings = {}): App => {
  count += 1
  app = createApp('proj', { broker: `memory://beat-settings-${count}`, ...settings })
  return app
}
afterEach(() => app.close())

it('timezone is where calendar schedules are reckoned', async () => {
  const hours = async (timezone: string): Promise<readonly string[]> => {
    const beats = open({ timezone })
    beats.beat.add('daily', {
      schedule: crontab('0 7 * * *'),
      run: beats.task('note', () => 1).si(),
    })
    const ticks = await beats.beat.next('daily', 2)
    return ticks.map((tick) => tick.toLocaleTimeString('en-GB', { timeZone: 'Asia/Tokyo' }))
  }
  expect(await hours('Asia/Tokyo')).toEqual(['07:00:00', '07:00:00'])
  await app.close()
  expect(await hours('UTC')).toEqual(['16:00:00', '16:00:00'])
})

it('beatMaxLoopInterval: a beat looks again at least so often, though nothing is due', async () => {
  open({ beatMaxLoopInterval: 0.023 })
  app.beat.add('far', { schedule: every(3600), run: app.task('note', () => 1).si() })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  await app.beat.start()
  await until(() => timers.mock.calls.filter(([, ms]) => ms === 23).length >= 3)
  vi.restoreAllMocks()
})

it('beatMaxLoopInterval may be longer than a timer of Node can be', async () => {
  open({ beatMaxLoopInterval: 1e9 })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  await app.beat.start()
  await until(() => timers.mock.calls.some(([, ms]) => ms === 2 ** 31 - 1))
  vi.restoreAllMocks()
})

it('beatScheduleFilename, beatScheduler: entries lie in that file', async () => {
  const path = join(temporaryDirectory('beat'), 'entries.json')
  open({ beatScheduleFilename: path, beatScheduler: 'file' })
  await app.beat.create('job', { schedule: crontab('0 7 * * *'), run: app.task('note', () => 1).si() })
  expect([existsSync(path), await app.beat.where()]).toEqual([true, expect.stringContaining(path)])
})

it('a file that somebody moves away while a beat runs gets the entries of the program again', async () => {
  const path = join(temporaryDirectory('beat'), 'entries.json')
  open({ beatScheduleFilename: path })
  const note = app.task('note', () => 1)
  app.beat.add('job', { schedule: every(3600), run: note.si() })
  const lines: string[] = []
  const log = createLogger({ level: 'INFO', write: (line) => void lines.push(line) })
  await app.beat.start({ log })
  await until(() => lines.some((line) => line.includes('1 entry is known')))
  rmSync(path)
  await until(() => existsSync(path))
  expect((await app.beat.list()).map(({ name }) => name)).toEqual(['job'])
})
