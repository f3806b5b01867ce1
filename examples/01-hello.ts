// Hello: a task, a worker and a result, in one process and without a server.
//
//   npx jiti examples/01-hello.ts
//
// With LOVAGE_BROKER_URL=redis://localhost:6379/0 the same runs over Redis. There a worker may run anywhere, on a file
// that makes the app and its tasks and starts nothing: npx lovage -A tasks.ts worker (docs/getting-started.md).
import { createApp } from 'lovage'

export const app = createApp('hello', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

export const greet = app.task('hello.greet', (name: string) => `Hello, ${name}!`)

await app.worker({ concurrency: 2 }).start()

const result = await greet.delay('world') // the message is in the broker now
console.log(await result.get()) // Hello, world!

// In one line; `greet.delay(42)` does not compile.
console.log(await greet.delay('Lovage').get({ timeout: 10 }))

// A task is still a function: this runs here and now.
console.log(greet('you'))

await app.close()
