// Task events on their way: in order, in lists that are not too long, kept while the broker is away.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { silentLogger } from '../../src/log.js'
import type { OwnEvent } from '../../src/runtime/events.js'
import { Batches } from '../../src/runtime/worker/batches.js'

const event = (clock: number): OwnEvent => ({ type: 'task-started', hostname: 'w', timestamp: 0, clock })

const bench = (publish: (clocks: number[]) => Promise<void>) => {
  const warning = vi.fn()
  const batches = new Batches({
    publish: (events) => publish(events.map(({ clock }) => clock as number)),
    mostInOne: 3,
    log: { ...silentLogger, warning },
  })
  return { batches, warning }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('what happens in one moment goes together, in order', async () => {
  const sent: unknown[] = []
  const { batches } = bench(async (clocks) => void sent.push(clocks))
  for (const clock of [1, 2, 3, 4]) batches.add(event(clock))
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(20)
  expect(sent).toEqual([[1, 2, 3], [4]])
  batches.add(event(5))
  await vi.advanceTimersByTimeAsync(20)
  expect(sent).toEqual([[1, 2, 3], [4], [5]])
})

it('nothing happens: no timer runs', async () => {
  bench(async () => undefined)
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
})

it('while the broker is away they are kept, and sent in order when it is back', async () => {
  let isAway = true
  const sent: unknown[] = []
  const { batches } = bench(async (clocks) => {
    if (isAway) throw new Error('away')
    sent.push(clocks)
  })
  batches.add(event(1))
  await vi.advanceTimersByTimeAsync(5000)
  batches.add(event(2))
  isAway = false
  await vi.advanceTimersByTimeAsync(5000)
  expect(sent).toEqual([[1, 2]])
})

it('of too many the oldest are dropped, and that is said once for each absence of the broker', async () => {
  let isAway = true
  const sent: number[] = []
  const { batches, warning } = bench(async (clocks) => {
    if (isAway) throw new Error('away')
    sent.push(...clocks)
  })
  const absence = async () => {
    isAway = true
    for (let clock = 1; clock <= 10_500; clock += 1) batches.add(event(clock))
    await vi.advanceTimersByTimeAsync(1000)
    sent.length = 0
    isAway = false
    await vi.advanceTimersByTimeAsync(1000)
  }
  await absence()
  expect(sent).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 501))
  const said = ['10000 task events wait for the broker: the oldest are dropped.']
  expect(warning.mock.calls).toEqual([said])
  await absence()
  expect(warning.mock.calls).toEqual([said, said])
})

it('closing lets out what waits', async () => {
  const sent: unknown[] = []
  const { batches } = bench(async (clocks) => void sent.push(clocks))
  batches.add(event(1))
  await batches.close()
  expect(sent).toEqual([[1]])
})

it('closing does not wait for a broker that is away', async () => {
  const { batches, warning } = bench(() => Promise.reject(new Error('away')))
  for (let clock = 0; clock < 10; clock += 1) batches.add(event(clock))
  const closed = batches.close()
  await vi.advanceTimersByTimeAsync(1000)
  await closed
  expect(warning.mock.calls).toEqual([['The last task events of this worker could not be sent: Error: away']])
})
