// What a whole canvas costs in bytes into Redis: everything that clients and workers sent to it, from the call to the
// result, as Redis counts it.
import { expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { signature } from '../../src/canvas/signature.js'
import { createApp } from '../../src/app.js'
import { createLogger } from '../../src/log.js'
import { useRoom } from './room.js'

const room = await useRoom()
/** On a machine that is busy with other things. */
const patience = 60_000
const million = 1_000_000
type Loose = ReturnType<typeof signature>

const start = async () => {
  const app = createApp('bytes', { broker: room.server.url })
  const add = app.task('bytes.add', (x: number, y: number) => x + y)
  const sum = app.task('bytes.sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
  await app.worker({ concurrency: 20, log: createLogger({ level: 'ERROR' }) }).start()
  return { app, add, sum }
}

const received = async (): Promise<number> =>
  Number(/total_net_input_bytes:(\d+)/.exec(await room.client.info('stats'))?.[1])

/** Bytes of the run, and what came out of it. */
const costOf = async (canvas: Loose): Promise<{ readonly bytes: number; readonly value: unknown }> => {
  const before = await received()
  const value = await canvas.delay().get({ timeout: 50 })
  return { bytes: (await received()) - before, value }
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

it('of a message that waits nothing lies in Redis but itself', async () => {
  const { client, server } = room
  const app = createApp('bytes', { broker: server.url })
  const add = app.declare('bytes.add')
  await Promise.all(many(500, (i) => add.delay(i, i)))
  const keys = (await client.keys('*')).sort()
  // Beside it stand the numbers of the sender's last calls, two for a client.
  expect(keys.filter((key) => !key.startsWith('lovage:pub:'))).toEqual(['_kombu.binding.celery', 'celery'])
  expect(keys.length).toBeLessThanOrEqual(4)
  await app.close()
})

it.each([
  [300, 0.9],
  [1000, 3],
])(
  'a chain of %i takes at most %f MB',
  async (steps, most) => {
    const { app, add } = await start()
    const canvas = chain(add.s(0, 1), ...many(steps - 1, () => add.s(1))) as Loose
    const { bytes, value } = await costOf(canvas)
    await app.close()
    expect(value).toBe(steps)
    expect(bytes).toBeLessThan(most * million)
  },
  patience,
)

it(
  'a chord of 100 takes at most 0.35 MB',
  async () => {
    const { app, add, sum } = await start()
    const { bytes, value } = await costOf(
      chord(
        many(100, (i) => add.s(i, 1)),
        sum.s(),
      ) as Loose,
    )
    await app.close()
    expect(value).toBe(5050)
    expect(bytes).toBeLessThan(0.35 * million)
  },
  patience,
)

it.each([
  [10, 0.4],
  [50, 2],
])(
  'a group of ten and a task, %i times, take at most %f MB',
  async (stages, most) => {
    const { app, add, sum } = await start()
    const steps = many(stages, (stage) => [
      group(many(10, (i) => (stage === 0 ? add.s(i, 0) : add.s(0)))),
      sum.s(),
    ])
    const { bytes, value } = await costOf((chain as unknown as (steps: unknown[]) => Loose)(steps.flat()))
    await app.close()
    expect(value).toBe(45 * 10 ** (stages - 1))
    expect(bytes).toBeLessThan(most * million)
  },
  patience,
)
