// Three beats at once, as on three hosts: each tick is sent once. One of them leads; it stops, and another goes on.
// No lock is relied on for this: a tick's task id is made of the entry and the tick, and its sending is one
// compare-and-set together with the message.
//
//   npx jiti examples/09-several-beats.ts
import { createApp } from 'lovage'

const broker = process.env.LOVAGE_BROKER_URL ?? 'memory://'

const ids: string[] = []
const host = () => {
  const app = createApp('several', { broker })
  const tick = app.task('several.tick', function () {
    ids.push(this.request.id)
  })
  app.beat.every('tick', 0.1, tick.si(), { catchUp: 'all' })
  return app
}
const until = async (condition: () => unknown) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

const hosts = [host(), host(), host()]
await hosts[0]!.worker().start()
await Promise.all(hosts.map((app) => app.beat.start()))
await until(() => ids.length >= 5)

const leading = () => hosts.filter((app) => app.beat.leads)
console.log(hosts.length, 'beats,', leading().length, 'leads')

const [leader] = leading()
await leader!.beat.stop() // a `kill -9` would do as well; then it takes some seconds
await until(() => leading().length === 1)
const before = ids.length
await until(() => ids.length >= before + 5)
console.log('another one leads:', leading()[0] !== leader)

const runs = await hosts[0]!.beat.history('tick')
const gaps = runs.slice(1).map((run, index) => runs[index]!.tick!.getTime() - run.tick!.getTime())
console.log(
  'each tick once, none left out:',
  new Set(ids).size === ids.length && gaps.every((gap) => gap === 100),
)

await Promise.all(hosts.map((app) => app.close()))
