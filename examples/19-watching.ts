// What workers tell, as it happens: a table of the tasks that ran, made from events alone. With Redis it shows the
// tasks of Python workers, too.
//
//   npx jiti examples/19-watching.ts
import { createApp } from 'lovage'

const app = createApp('watching', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

const resize = app.task('watching.resize', async function (picture: string) {
  for (const percent of [50, 100]) await this.sendEvent('task-progress', { percent })
  if (picture.endsWith('.doc')) throw new TypeError(`${picture} is no picture`)
  return picture.replace('.png', '.small.png')
})

// From here on everything is heard. Types of your own are heard by name.
const events = await app.events('task-received', 'task-progress', 'task-succeeded', 'task-failed').ready()

await app.worker({ taskEvents: true }).start() // lovage worker -E
for (const picture of ['pear.png', 'plum.doc']) await resize.delay(picture).get({ propagate: false })

const names = new Map<string, string>()
let ended = 0
for await (const event of events) {
  // The type says what else an event has; the compiler knows it.
  if (event.type === 'task-received') names.set(event.uuid, `${event.name}${event.args}`)
  else if (event.type === 'task-progress')
    console.log(names.get(String(event['uuid'])), event['percent'], '%')
  else if (event.type === 'task-succeeded') console.log(names.get(event.uuid), '→', event.result)
  else console.log(names.get(event.uuid), 'failed:', event.exception)
  if (event.type === 'task-succeeded' || event.type === 'task-failed') ended += 1
  if (ended === 2) break
}
await app.close()
