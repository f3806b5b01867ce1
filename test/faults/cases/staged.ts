// A canvas of more messages than one call takes is sent ahead in pieces, released by one, and moved to its queue in
// pieces. Who sends it (a client, or a worker that goes on with a canvas) and who moves it are killed at each kind
// of call: all of it runs, once, or nothing of it is there.
import { chain, group } from 'lovage'
import { fileURLToPath } from 'node:url'
import { type Running, startNode } from '../../support/processes.js'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type Call, type Fate, Proxy } from '../support/proxy.js'
import { type FaultCase, inParallel, range, type Scene } from '../support/scene.js'

const program = fileURLToPath(new URL('../programs/sender.js', import.meta.url))
/** Above what one call takes (1 000). */
const many = 1100
const sumOfMany = (many * (many - 1)) / 2 + many

interface Blow {
  readonly what: string
  readonly number: number
  readonly moment: 'sent' | 'answered'
}

/** Starts a process on a wire that kills it at this call; resolves when it is dead. */
const killAt = async (
  scene: Scene,
  { what, number, moment }: Blow,
  launch: (url: string) => Running,
): Promise<void> => {
  let victim: Running | undefined
  const strike = (call: Call): Fate => {
    if (call.what !== what || call.number !== number) return 'pass'
    victim?.signal('SIGKILL')
    return 'drop'
  }
  const hooks = moment === 'sent' ? { onCall: strike } : { onAnswer: strike }
  const proxy = await Proxy.open(scene.redis.url, hooks)
  victim = launch(proxy.url)
  const { signal } = await victim.exited
  proxy.close()
  if (signal !== 'SIGKILL') throw new Error(`no ${what} ${number} was ${moment}: ${victim.output()}`)
}

const nameOf = ({ what, number, moment }: Blow): string => `${what} ${number} ${moment}`

/** Blows to a client; only the last one comes too late to stop it. */
const toClients: readonly Blow[] = [
  { what: 'stage', number: 1, moment: 'answered' },
  { what: 'stage', number: 3, moment: 'sent' },
  { what: 'publish', number: 1, moment: 'sent' },
  { what: 'publish', number: 1, moment: 'answered' },
]

/** Blows to a worker that goes on with a canvas, and that moves what was staged. */
const toWorkers: readonly Blow[] = [
  { what: 'stage', number: 2, moment: 'sent' },
  { what: 'stage', number: 5, moment: 'answered' },
  { what: 'completion', number: 1, moment: 'sent' },
  { what: 'completion', number: 1, moment: 'answered' },
  { what: 'unstage', number: 1, moment: 'sent' },
  { what: 'unstage', number: 1, moment: 'answered' },
  { what: 'unstage', number: 3, moment: 'answered' },
]

export const staged: FaultCase = {
  name: 'staged',
  title: 'canvases too big for one call, killed while they are sent: whole, once, or not there',
  play: async (scene, size) => {
    const { report, ledger, outside } = scene
    const few = <T>(all: readonly T[], ...short: readonly number[]): readonly T[] =>
      size === 'full' ? all : all.filter((_, index) => short.includes(index))
    const clients = few(toClients, 2, 3)
    const workers = few(toWorkers, 1, 5)
    report.inject(`SIGKILL of the client at: ${clients.map(nameOf).join(', ')}`)
    report.inject(`SIGKILL of the worker at: ${workers.map(nameOf).join(', ')}`)

    const sent: { readonly id: string; readonly queue: string; readonly right: number }[] = []
    let runs = 0
    await inParallel(2, clients, async (blow) => {
      const queue = `client ${nameOf(blow)}`.replaceAll(' ', '-')
      const id = `body-of-${queue}`
      await killAt(scene, blow, (url) => {
        const told = { broker: url, backend: url, queue, many, id }
        return startNode(program, [], { env: { FAULTS: JSON.stringify(told) } })
      })
      const isThere = (await outside.llen(queue)) > 0
      const arrived = blow.what === 'publish' && blow.moment === 'answered'
      report.must(`${queue}: ${arrived ? 'released' : 'nothing of it is in its queue'}`, isThere === arrived)
      if (!arrived) return
      sent.push({ id, queue, right: sumOfMany })
      runs += many + 1
    })
    await inParallel(2, workers, async (blow) => {
      const queue = `worker ${nameOf(blow)}`.replaceAll(' ', '-')
      const { add, total } = scene.client(queue)
      const header = group(range(many).map((index) => add.s(index - 1)))
      const { id } = await chain(add.s(1, 1), header.pipe(total.s())).delay()
      await killAt(scene, blow, (url) => scene.launch({ queues: [queue], concurrency: 1, url }))
      sent.push({ id, queue, right: sumOfMany })
      runs += many + 2
    })

    const queues = sent.map(({ queue }) => queue)
    if (queues.length > 0) await scene.worker({ queues, concurrency: 50 })
    const missing = await scene.finished(
      sent.map(({ id }) => id),
      60_000,
    )
    const metas = await scene.results(sent.map(({ id }) => id))
    const wrong = sent.filter(({ right }, index) => metas[index]?.result !== right)
    await scene.quiet()
    const starts = ledger.starts()
    report.count('canvases that were released', sent.length)
    report.count('lost', missing.length)
    report.count('messages', distinct(starts.map(messageOf)))
    report.must(
      `each has its own result${wrong.length > 0 ? `, but ${wrong[0]?.queue}` : ''}`,
      wrong.length === 0,
    )
    report.must(`each message was sent (${runs})`, distinct(starts.map(messageOf)) === runs)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
