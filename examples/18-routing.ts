// Routing: which queue a message goes to, and which worker takes it from there. By name and rule (taskRoutes), by
// topic, to everybody (fanout), and by priority within a queue.
//
//   npx jiti examples/18-routing.ts
import { createApp } from 'lovage'

const app = createApp('routing', {
  broker: process.env.LOVAGE_BROKER_URL ?? 'memory://',
  taskQueues: {
    celery: {},
    careful: {},
    europe: { exchange: 'news', exchangeType: 'topic', routingKey: 'europe.#' },
    sports: { exchange: 'news', exchangeType: 'topic', routingKey: '*.sports' },
    everybody: { exchangeType: 'fanout' },
  },
  taskRoutes: [
    { 'routing.forget': 'everybody' },
    (name, args) => (name === 'routing.charge' && Number(args[0]) > 1000 ? 'careful' : null),
  ],
})

const heard: string[] = []
/** What was heard, as soon as there was so much, in alphabetical order. */
const all = async (count: number) => {
  while (heard.length < count) await new Promise((resolve) => setTimeout(resolve, 10))
  return heard.splice(0).sort()
}

const charge = app.task('routing.charge', function (_amount: number) {
  return this.request.hostname
})
const report = app.task('routing.report', function (what: string) {
  heard.push(`${this.request.hostname}: ${what}`)
})
const forget = app.task('routing.forget', function () {
  heard.push(`${this.request.hostname} forgot`)
})
const climb = app.task('routing.climb', (who: string) => void heard.push(who))

// One program, three workers, as on three hosts: lovage -A app.ts worker -Q celery,everybody -n till
await app.worker({ hostname: 'till', queues: ['celery', 'everybody'] }).start()
await app.worker({ hostname: 'office', queues: ['careful', 'europe', 'everybody'] }).start()
await app.worker({ hostname: 'pub', queues: ['sports', 'everybody'] }).start()

// A rule looks at the arguments; the caller knows nothing of queues.
console.log('charge 10 at', await charge.delay(10).get(), '| charge 5000 at', await charge.delay(5000).get())

// A topic: each queue whose pattern fits the routing key gets a copy.
const publish = (key: string) => report.applyAsync([key], { exchange: 'news', routingKey: key })
await publish('europe.weather')
await publish('europe.sports')
await publish('asia.sports')
console.log(await all(4))

// A fanout: every worker that listens, once.
await forget.delay()
console.log(await all(3))

// Priorities: 0 is the most urgent. Nobody consumes this queue yet, so what is urgent can overtake.
for (const [who, priority] of [
  ['tourist', 9],
  ['hiker', 6],
  ['rescue', 0],
] as const)
  await climb.applyAsync([who], { queue: 'mountain', priority })
await app.worker({ hostname: 'guide', queues: ['mountain'], concurrency: 1 }).start()
while (heard.length < 3) await new Promise((resolve) => setTimeout(resolve, 10))
console.log(heard.join(', '))

await app.close()
