// Random canvases under random faults: whatever is composed and whatever happens, each workflow ends with its
// own result, and each of its messages is sent once.
import { setTimeout as sleep } from 'node:timers/promises'
import { chain, chord, group, type Signature } from 'lovage'
import { cutAll } from '../../support/cut.js'
import type { Running } from '../../support/processes.js'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import type { Random } from '../support/random.js'
import { type Client, type FaultCase, lease, range, type Scene } from '../support/scene.js'

/** What must come of a canvas: undefined is a failure. */
interface Plot {
  readonly signature: Signature
  readonly value: number | undefined
  /** Task runs that it takes when nothing happens. */
  readonly messages: number
}

/** A canvas that takes a number from the left. */
interface Next {
  readonly signature: Signature
  readonly apply: (left: number) => number
  readonly messages: number
}

const any = (signature: unknown): Signature => signature as Signature
const chained = (first: Signature, ...rest: readonly Signature[]): Signature =>
  any((chain as (...steps: readonly Signature[]) => unknown)(first, ...rest))
const chorded = (header: readonly Signature[], body: unknown): Signature =>
  any((chord as (header: readonly Signature[], body: unknown) => unknown)(header, body))
const grouped = (members: readonly Signature[]): Signature =>
  any((group as (members: readonly Signature[]) => unknown)(members))

const composer = ({ add, total, stubborn, refuse, tell }: Client, random: Random) => {
  const ms = (): number => random.whole(0, 60)
  const options = () =>
    random.pick([{}, {}, {}, { priority: 6 }, { priority: 9 }, { countdown: random.between(0.01, 1) }])
  const several = <T>(make: () => T): T[] => range(random.whole(2, 4)).map(make)

  const next = (depth: number): Next => {
    if (depth === 0 || random.whole(0, 2) > 0) {
      const by = random.whole(1, 99)
      return { signature: any(add.s(by, ms()).set(options())), apply: (left) => left + by, messages: 1 }
    }
    const members = several(() => next(depth - 1))
    return {
      signature: chained(grouped(members.map(({ signature }) => signature)), any(total.s())),
      apply: (left) => members.reduce((sum, { apply }) => sum + apply(left), 0),
      messages: members.reduce((sum, { messages }) => sum + messages, 1),
    }
  }

  const leaf = (): Plot => {
    const [a, b] = [random.whole(0, 99), random.whole(0, 99)]
    switch (random.whole(0, 9)) {
      case 0:
        return { signature: any(stubborn.s(a, 3, ms())), value: a, messages: 3 }
      case 1:
        return { signature: any(refuse.s(a, ms())), value: undefined, messages: 1 }
      case 2:
        return { signature: any(refuse.s(a, ms()).linkError(tell.s())), value: undefined, messages: 2 }
      case 3:
        return { signature: any(add.s(a, b, ms()).link(add.s(1, ms()))), value: a + b, messages: 2 }
      default:
        return { signature: any(add.s(a, b, ms()).set(options())), value: a + b, messages: 1 }
    }
  }

  const plot = (depth: number): Plot => {
    const kind = depth === 0 ? 0 : random.whole(0, 3)
    if (kind === 0) return leaf()
    if (kind === 1) {
      const first = plot(depth - 1)
      const rest = several(() => next(depth - 1))
      const { value } = first
      return {
        signature: chained(first.signature, ...rest.map(({ signature }) => signature)),
        value: value === undefined ? undefined : rest.reduce((left, { apply }) => apply(left), value),
        messages:
          first.messages + (value === undefined ? 0 : rest.reduce((sum, { messages }) => sum + messages, 0)),
      }
    }
    const header = several(() => plot(depth - 1))
    const failed = header.some(({ value }) => value === undefined)
    const told = random.whole(0, 1) === 1
    return {
      signature: chorded(
        header.map(({ signature }) => signature),
        told ? total.s().linkError(tell.s()) : total.s(),
      ),
      value: failed ? undefined : header.reduce((sum, { value }) => sum + (value as number), 0),
      messages: header.reduce((sum, { messages }) => sum + messages, failed && !told ? 0 : 1),
    }
  }
  return plot
}

/** Strikes until told to stop; two workers live on afterwards. */
const strike = async (scene: Scene, strikes: number): Promise<void> => {
  const { random, outside, report } = scene
  const counts = { kill: 0, stop: 0, freeze: 0, cut: 0 }
  const worker = (): Promise<Running> =>
    scene.worker({ concurrency: random.pick([2, 6, 6, 30]), prefetchMultiplier: random.pick([1, 1, 4]) })
  const workers: Running[] = await Promise.all(range(2).map(worker))
  for (let i = 0; i < strikes; i++) {
    await sleep(random.whole(20, 300))
    const victim = random.pick(workers)
    const what = random.pick(['kill', 'kill', 'stop', 'freeze', 'cut'] as const)
    counts[what]++
    if (what === 'kill') {
      await scene.kill(victim)
      workers[workers.indexOf(victim)] = await worker()
    } else if (what === 'stop') {
      await scene.stop(victim, random.pick(['SIGTERM', 'SIGQUIT']))
      workers[workers.indexOf(victim)] = await worker()
    } else if (what === 'freeze') {
      victim.signal('SIGSTOP')
      await sleep(random.pick([100, 500, 1.5 * lease * 1000]))
      victim.signal('SIGCONT')
    } else await cutAll(outside)
  }
  report.inject(`${counts.kill} × SIGKILL, ${counts.stop} × SIGTERM or SIGQUIT, each with a new worker`)
  report.inject(
    `${counts.freeze} × SIGSTOP for 0.1 to ${1.5 * lease} s, ${counts.cut} × every connection cut`,
  )
}

export const storm: FaultCase = {
  name: 'storm',
  title: 'random canvases under random faults',
  play: async (scene, size) => {
    const { report, ledger, random } = scene
    const [many, strikes] = size === 'full' ? [400, 40] : [40, 3]
    const apart = random.whole(0, 1) === 1
    if (apart) scene.backend = scene.redis.database(1)
    const client = scene.client()
    const compose = composer(client, random)
    const plots = range(many).map(() => compose(3))
    const sent = await Promise.all(plots.map(({ signature }) => client.app.send(signature)))
    const ids = sent.map(({ id }) => id)
    await strike(scene, strikes)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    await scene.quiet()
    const wrong = plots.filter(({ value }, index) => {
      const meta = metas[index]
      return value === undefined
        ? meta?.status !== 'FAILURE'
        : meta?.status !== 'SUCCESS' || meta.result !== value
    })
    const expected = plots.reduce((sum, { messages }) => sum + messages, 0)
    const starts = ledger.starts()
    const messages = distinct(starts.map(messageOf))
    report.count('databases', apart ? 2 : 1)
    report.count('canvases', many)
    report.count('without an end', missing.length)
    report.count('messages', messages)
    report.count('starts', starts.length)
    report.must('every canvas ends', missing.length === 0)
    const culprits = wrong.slice(0, 3).map(({ signature }) => String(signature))
    report.must(['with its own result or failure', ...culprits].join('; but not '), wrong.length === 0)
    report.must(`each of its messages ran, and no other (${expected})`, messages === expected)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
