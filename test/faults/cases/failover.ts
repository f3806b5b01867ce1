// Sentinels make a replica the master, again and again: the old one is killed, frozen, or hands over, with a live publisher
// that asks for a replica's word, and with waiting get()s.
import { setTimeout as sleep } from 'node:timers/promises'
import { chain, isOperationalError } from 'lovage'
import type { TestRedis } from '../../support/redis.js'
import { startSentinel, type TestSentinel } from '../../support/sentinel.js'
import { until } from '../../support/until.js'
import { insist } from '../support/insist.js'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type FaultCase, range } from '../support/scene.js'

const patient = { timeout: 60_000 }
const everyMs = 20
/** A replica has it: what was confirmed so is not lost by a failover. */
const durable = { durability: { replicas: 1, timeout: 3 } }

interface Failover {
  readonly name: string
  readonly begin: (sentinel: TestSentinel, old: TestRedis) => Promise<unknown> | boolean
  /** The old one comes again, as a replica. */
  readonly end: (old: TestRedis) => Promise<unknown> | boolean
}

const failovers: readonly Failover[] = [
  {
    name: 'killed',
    begin: (_, old) => old.stop({ hard: true }),
    end: (old) => old.restart({ hard: true }),
  },
  {
    name: 'frozen',
    begin: (_, old) => process.kill(old.pid as number, 'SIGSTOP'),
    end: (old) => process.kill(old.pid as number, 'SIGCONT'),
  },
  { name: 'handing over', begin: (sentinel) => sentinel.handOver(), end: () => true },
]

interface Sent {
  readonly value: number
  readonly waiting: Promise<unknown>
}

export const failover: FaultCase = {
  name: 'failover',
  title:
    'a replica is promoted: the old master killed, frozen, handing over; live publishers and waiting get()s',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const sentinel = await startSentinel()
    scene.broker = sentinel.url
    scene.backend = sentinel.url
    const client = scene.client()
    const { nap, add } = client
    for (const _ of range(2)) await scene.worker({ concurrency: 5 })

    const sent: Sent[] = []
    let refused = 0
    let isOver = false
    let next = 0
    const publish = async (): Promise<void> => {
      while (!isOver) {
        const value = next++
        const canvas = value % 3 === 0 ? chain(nap.s(value, 20), add.s(1), add.s(1)) : nap.s(value, 20)
        try {
          const { id } = await canvas.applyAsync([], durable)
          sent.push({ value: value % 3 === 0 ? value + 2 : value, waiting: insist(client, id) })
        } catch (error) {
          if (!isOperationalError(error)) throw error
          refused += 1
        }
        await sleep(everyMs)
      }
    }
    const publishers = range(5).map(publish)

    // Work that nobody waits for, and that may be lost: while there is no replica, none of the others is confirmed.
    const filler = (async () => {
      for (; !isOver; await sleep(everyMs)) await nap.delay(-1, 20).catch(() => undefined)
    })()

    const rounds = size === 'full' ? failovers : failovers.slice(-1)
    let slowestMs = 0
    for (const { begin, end } of rounds) {
      await scene.ended(ledger.ends().length + 50)
      await sentinel.paired()
      const old = await sentinel.master()
      const beganAt = performance.now()
      await begin(sentinel, old)
      await until(async () => (await sentinel.master()) !== old, patient)
      // More than ran when it began.
      await scene.ended(ledger.ends().length + 20, 60_000)
      slowestMs = Math.max(slowestMs, performance.now() - beganAt)
      await end(old)
    }
    isOver = true
    await Promise.all([...publishers, filler])
    const values = await Promise.all(sent.map(({ waiting }) => waiting))
    scene.lookAt((await sentinel.master()).url)
    await scene.quiet()
    const right = values.filter((value, index) => value === sent[index]?.value).length
    const starts = ledger.starts()
    report.inject(`the master ${rounds.map(({ name }) => name).join(', ')}; a replica promoted each time`)
    report.count('publications that a replica confirmed', sent.length)
    report.count('refused or not confirmed', refused)
    report.count('with the right result', right)
    report.count('messages', distinct(starts.map(messageOf)))
    report.count('starts', starts.length)
    report.count('sent again, since the new master knew nothing of it', publishedTwice(starts))
    report.count('progress after', `${(slowestMs / 1000).toFixed(1)} s`)
    report.must('0 lost of what a replica had: each get() returns the right result', right === sent.length)
    report.must('progress within 30 s', slowestMs <= 30_000)
    await scene.settle()
  },
}
