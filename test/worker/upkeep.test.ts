// What a worker looks after now and then: purges that were cut off, and what nobody leads to any more; nothing of it stops
// its work.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLogger } from '../../src/log.js'
import type { Broker, SweepTerms } from '../../src/runtime/broker.js'
import { purgedQueue } from '../../src/runtime/purged.js'
import { startUpkeep } from '../../src/runtime/worker/upkeep.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const day = 86_400

const start = ({
  sweep = async (): Promise<readonly string[] | null> => [],
  resultExpires = day,
  finish = async (): Promise<void> => undefined,
}) => {
  const lines: string[] = []
  const terms: SweepTerms[] = []
  const finished: string[] = []
  const broker = {
    length: async (queue: string) => (queue === purgedQueue('cut') ? 3 : 0),
    sweep: (asked: SweepTerms) => {
      terms.push(asked)
      return sweep()
    },
  } as unknown as Broker
  const stop = startUpkeep({
    broker,
    queues: () => ['whole', 'cut'],
    finish: (queue) => {
      finished.push(queue)
      return finish()
    },
    resultExpires,
    log: createLogger({ level: 'DEBUG', write: (line) => void lines.push(line) }),
  })
  return { lines, terms, finished, stop }
}

it('ends purges that were cut off when it starts, and with each look', async () => {
  const { finished, terms, stop } = start({})
  await vi.advanceTimersByTimeAsync(0)
  expect([finished, terms]).toEqual([['cut'], []])
  await vi.advanceTimersByTimeAsync(60_000)
  await vi.advanceTimersByTimeAsync(600_000)
  expect([finished.length, terms.length]).toEqual([3, 2])
  stop()
  await vi.advanceTimersByTimeAsync(9_000_000)
  expect([finished.length, terms.length]).toEqual([3, 2])
})

it('takes away after a week, and not before results are gone', async () => {
  const looks = [start({}), start({ resultExpires: 30 * day }), start({ resultExpires: 0 })]
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks.map(({ terms }) => terms[0]?.afterSeconds)).toEqual([7 * day, 30 * day, 7 * day])
  for (const { stop } of looks) stop()
})

it('says what it took, and goes on when a look fails', async () => {
  const sweep = vi
    .fn<() => Promise<readonly string[] | null>>()
    .mockRejectedValueOnce(new Error('NOPERM'))
    .mockResolvedValueOnce(null)
    .mockResolvedValueOnce(['g1', 'g2', 'g3', 'g4', 'g5', 'g6'])
    .mockResolvedValue([])
  const { lines, stop } = start({ sweep, finish: () => Promise.reject(new Error('away')) })
  await vi.advanceTimersByTimeAsync(60_000 + 4 * 600_000)
  expect(sweep).toHaveBeenCalledTimes(5)
  expect(lines.filter((line) => line.includes('NOPERM'))).toHaveLength(1)
  const told = lines.filter((line) => line.includes('WARNING'))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain(
    'of 6 graphs and groups whose messages somebody took out of Redis more than 7 days ago',
  )
  expect(told[0]).toContain('g4, g5 and others')
  stop()
})
