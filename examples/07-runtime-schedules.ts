// Schedules made and changed while beats run: by an admin page, a script, another process. Each change is known
// to every beat within a second. On the command line: lovage beat list, add, pause …
//
//   npx jiti examples/07-runtime-schedules.ts
import { createApp, every } from 'lovage'

const app = createApp('runtime', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

const synced: number[] = []
const sync = app.task('runtime.sync', (account: number) => void synced.push(account))
const until = async (condition: () => unknown) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}

await app.worker().start()
await app.beat.start()

// Stored, so it outlives this process; `create` refuses a name that is taken.
await app.beat.create('account-42', { schedule: every(0.1), run: sync.si(42), overlap: 'skip' })
await until(() => synced.length >= 3)
console.log('synced account', synced[0])

await app.beat.update('account-42', { run: sync.si(43) })
await until(() => synced.includes(43))
console.log('now account 43')

await app.beat.pause('account-42')
console.log('paused:', (await app.beat.get('account-42')).paused)

// Beside its ticks, now.
const id = await app.beat.runNow('account-42')
await app.result(id).get()
const [last] = await app.beat.history('account-42', 1)
console.log('last run:', last?.kind, last?.taskId === id)

try {
  await app.beat.create('account-42', { schedule: 60, run: sync.si(42) })
} catch (error) {
  console.log(String(error))
}

await app.beat.remove('account-42')
console.log((await app.beat.list()).length, 'entries')
await app.close()
