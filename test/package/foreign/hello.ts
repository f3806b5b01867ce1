// The same in TypeScript, where the types must have come along.
import { chain, chord, createApp, group } from 'lovage'

const app = createApp('hello', { broker: 'memory://' })
const add = app.task('hello.add', (x: number, y: number) => x + y)
const sum = app.task('hello.sum', (numbers: number[]) => numbers.reduce((total, n) => total + n, 0))
const upper = app.task('hello.upper', (text: string) => text.toUpperCase())

// @ts-expect-error a number goes into a task that wants a string
const wrong = () => chain(add.s(2, 2), upper.s())

const worker = app.worker()
await worker.start()
const sixteen: number = await chain(add.s(2, 2), add.s(4), add.s(8)).delay().get({ timeout: 10 })
const pair: readonly number[] = await group(add.s(1, 1), add.s(2, 2)).delay().get({ timeout: 10 })
const six: number = await chord([add.s(1, 1), add.s(2, 2)], sum.s())
  .delay()
  .get({ timeout: 10 })
await worker.stop()
await app.close()

if (pair.join() !== '2,4' || six !== 6 || typeof wrong !== 'function') process.exitCode = 1
console.log(sixteen)
