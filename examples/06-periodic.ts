// Periodic work: declared in code, sent by a beat, run by a worker. Here both live in this process; with a
// Redis any number of beats may run, and each tick is sent once.
//
//   npx jiti examples/06-periodic.ts
import { chain, clocked, createApp, crontab, every } from 'lovage'

const app = createApp('periodic', {
  broker: process.env.LOVAGE_BROKER_URL ?? 'memory://',
  timezone: 'Europe/Berlin',
})

const runs = new Map<string, number>()
const ping = app.task('periodic.ping', (who: string) => void runs.set(who, (runs.get(who) ?? 0) + 1))
const extract = app.task('periodic.extract', () => [1, 2, 3])
const load = app.task('periodic.load', (rows: number[]) => void runs.set(`loaded ${rows.length} rows`, 1))

// Declaring does nothing yet: no connection, no clock.
app.beat.every('heartbeat', 0.2, ping.si('heartbeat'))
app.beat.add('once', { schedule: clocked(new Date(Date.now() + 1000)), run: chain(extract.si(), load.s()) })
app.beat.add('three-times', { schedule: every(0.1), run: ping.si('three'), maxRuns: 3 })
app.beat.add('report', {
  schedule: crontab({ minute: 0, hour: 7, dayOfWeek: 'mon-fri' }),
  run: ping.si('report'),
  catchUp: 'skip', // a beat that was away at seven does not send it at nine
  expires: 3600, // nor does a worker run it then
})

// What would come, without running anything.
const [first] = await app.beat.next(crontab('30 2 29 3 *', { timezone: 'Europe/Berlin' }), 1)
console.log(first?.toISOString().slice(5, 16))

await app.worker().start()
await app.beat.start()
const ran = (who: string) => runs.get(who) ?? 0
while (!runs.has('loaded 3 rows') || ran('heartbeat') < 3 || ran('three') < 3)
  await new Promise((resolve) => setTimeout(resolve, 50))

console.log('three-times ran', runs.get('three'), 'times')
console.log([...runs.keys()].sort().join(', '))
const report = await app.beat.get('report')
console.log(report.schedule, '|', report.timezone, '|', report.runs, 'runs')

await app.close()
