// The engine and Redis agree: random lives of messages are played on both, and after each operation its reply and all
// that lies on the two sides are the same. There are crashes, lost leases, lost replies, calls that come twice or
// late, and jumps of time.
//
// Time: a Redis tells its own. Durations here are multiples of 100 s and moments are compared as such, so that the
// milliseconds that a sequence takes do not count; a jump moves what Redis keeps into the past (clock.ts). What the
// two order by moments of one millisecond is left to chance on either side, so no two moments are the same here.
//
// Not played, since only one side has it: messages that are staged, blocking, beat, what Python workers share or are
// told. Nor is a part added to a chord whose body is out: Redis forgets that sooner than the engine does, and nobody
// asks.
//
// SEQUENCES says how many are played, and always others (`npm run test:long`: 10 000); SEED repeats a run. Without
// them they are the same 500 each time.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Redis } from 'ioredis'
import { Keys } from '../../../src/redis/keys.js'
import { Link } from '../../../src/redis/link.js'
import { scripts } from '../../../src/redis/scripts.js'
import { parseAddress } from '../../../src/redis/url.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { anySequence, type Sequence } from './commands.js'
import { Contest, type Heard } from './contest.js'
import { OverRedis } from './over-redis.js'

const asked = process.env['SEQUENCES']
const sequences = Number(asked ?? 500)
const seed = Number(process.env['SEED'] ?? (asked === undefined ? 2026 : Date.now() % 1_000_000))

/** Sequences are played side by side, each in databases of its own. */
const lanes = 4

const success = { pick: 0, way: 'success', edges: 0, next: 0, expires: 0 } as const

/** Found by chance, and mended. */
const found: [Sequence][] = [
  [
    // The body of a chord goes out while the call that completed it waits for its answer, and is sent again.
    {
      gated: false,
      commands: [
        { kind: 'chord', tasks: [830, 638], two: false },
        { kind: 'step', worker: 2, lane: 0, ends: [], slots: 2, lost: false, turn: false },
        { kind: 'step', worker: 2, lane: 1, ends: [success], slots: 0, lost: true, turn: false },
        { kind: 'note', worker: 2, pick: 0, lost: false },
        { kind: 'step', worker: 2, lane: 0, ends: [success], slots: 0, lost: false, turn: false },
        { kind: 'resend', worker: 2, lane: 1 },
      ],
    },
  ],
]

let server: TestRedis
beforeAll(async () => {
  server = await startRedis({ own: true })
})

/** Somewhere to play: an empty Redis, and an ear at it. */
const openField = async (index: number) => {
  const results = index % 2 === 0 ? '' : String(2 * index + 1)
  const databases = { broker: String(2 * index), results, written: results }
  const keys = new Keys(`p${index}:`, `r${index}_`)
  const link = new Link({
    address: parseAddress('broker', server.database(2 * index)),
    name: 'differential',
    scripts: Object.values(scripts),
  })
  link.hold()
  await link.whenUp()
  const ear = new Redis(server.url)
  const over = keys.fanout(databases.broker, 'over')
  let heard: Heard = { results: [], broadcasts: [] }
  let isOver = (): void => undefined
  ear.on('pmessage', (_pattern, channel: string, text: string) => {
    const [result, fanout] = [keys.result(''), keys.fanout(databases.broker, '')]
    if (channel.startsWith(result)) heard.results.push(`${channel.slice(result.length)} ${text}`)
    else if (channel === over) isOver()
    else heard.broadcasts.push(`${channel.slice(fanout.length)} ${text}`)
  })
  await ear.psubscribe(`p${index}:*`, `r${index}_*`)
  /** Until everything that was said has been heard. */
  const caughtUp = (): Promise<void> =>
    new Promise((resolve, reject) => {
      isOver = resolve
      link.send('publish', [over, '']).catch(reject)
    })
  return {
    play: async (sequence: Sequence): Promise<void> => {
      await caughtUp()
      heard = { results: [], broadcasts: [] }
      for (const database of [databases.broker, databases.results])
        if (database !== '')
          await link.send('eval', ["redis.call('SELECT', ARGV[1]) redis.call('FLUSHDB')", 0, database])
      await link.send('select', [databases.broker])
      const { said } = await Contest.play(sequence, new OverRedis(link, keys, databases))
      await caughtUp()
      // Of what one step says of several tasks, the order is nobody's.
      expect(heard.broadcasts).toEqual(said.broadcasts)
      expect(byTask(heard.results)).toEqual(byTask(said.results))
    },
    close: () => {
      ear.disconnect()
      link.free()
      link.close()
    },
  }
}

const byTask = (results: readonly string[]): readonly string[] =>
  [...results].sort((a, b) => compareText(a.split(' ')[0] as string, b.split(' ')[0] as string))

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

describe('the engine and Redis agree', () => {
  it(`in ${sequences} random sequences (SEED=${seed})`, { timeout: 3_600_000 }, async () => {
    const started = await Promise.all(Array.from({ length: lanes }, (_, index) => openField(index)))
    afterAll(() => {
      for (const field of started) field.close()
    })
    await Promise.all(
      started.map(({ play }, index) =>
        fc.assert(fc.asyncProperty(anySequence, play), {
          numRuns: Math.ceil(sequences / lanes),
          seed: seed + index,
          examples: found,
        }),
      ),
    )
  })
})
