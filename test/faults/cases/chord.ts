// P4: workers are frozen and killed in the middle of a chord's header.
import { setTimeout as sleep } from 'node:timers/promises'
import { chord } from 'lovage'
import { publishedTwice } from '../support/ledger.js'
import { type FaultCase, inParallel, range, type Scene } from '../support/scene.js'

const size = 50
const killAt = 20

/** One chord on a queue of its own. Answers what was wrong with it. */
const round = async (scene: Scene, label: number): Promise<readonly string[]> => {
  const { ledger, random } = scene
  const queue = `chord-${label}`
  const { roll, collect } = scene.client(queue)
  const worker = await scene.worker({ queues: [queue], concurrency: 4 })
  const header = range(size).map((index) => roll.s(index, random.whole(10, 40)))
  const result = await chord(header, collect.s(label)).delay()
  const pids = new Set([worker.pid])
  const mine = () => ledger.entries.filter(({ pid }) => pids.has(pid))
  const ended = () => mine().filter(({ what, task }) => what === 'end' && task === 'roll').length
  while (ended() < killAt) await sleep(1)
  worker.signal('SIGSTOP')
  await sleep(500)
  await scene.kill(worker)
  pids.add((await scene.worker({ queues: [queue], concurrency: 4 })).pid)

  const [missing] = await scene.finished([result.id])
  if (missing !== undefined) return ['the body never ended']
  const wrong: string[] = []
  const starts = mine().filter(({ what }) => what === 'start')
  const bodies = starts.filter(({ task }) => task === 'collect')
  if (bodies.length !== 1) wrong.push(`the body ran ${bodies.length} times`)
  const twice = publishedTwice(starts)
  if (twice > 0) wrong.push(`${twice} messages were published twice`)
  const [body] = await scene.results([result.id])
  const got = body?.result as readonly number[]
  if (got.length !== size) wrong.push(`the body got ${got.length} results`)
  // What was stored for a header task is what the body was given, though some ran twice with other results.
  const idOf = new Map(starts.filter(({ task }) => task === 'roll').map(({ args, id }) => [args?.[0], id]))
  const stored = await scene.results(range(size).map((index) => idOf.get(index) ?? ''))
  const differing = stored.filter((meta, index) => meta?.result !== got[index]).length
  if (differing > 0) wrong.push(`${differing} results differ from what is stored`)
  return wrong
}

export const p4: FaultCase = {
  name: 'P4',
  title: `chord of ${size}, random results, frozen 0.5 s and then killed at ${killAt} done`,
  play: async (scene, howMuch) => {
    const { report, ledger } = scene
    const rounds = howMuch === 'full' ? 10 : 2
    const wrong: string[] = []
    await inParallel(2, range(rounds), async (label) => {
      wrong.push(...(await round(scene, label)).map((what) => `round ${label}: ${what}`))
    })
    report.inject(`${rounds} × SIGSTOP at ${killAt} ends, SIGKILL 0.5 s later, a new worker`)
    report.count('chords', rounds)
    report.count('header tasks', rounds * size)
    report.count('their starts', ledger.starts('roll').length)
    report.count('bodies', ledger.starts('collect').length)
    const held = `in ${rounds} of ${rounds} the body ran once, with exactly the ${size} stored results`
    report.must(wrong.length === 0 ? held : `${held}; but ${wrong.join(', ')}`, wrong.length === 0)
    await scene.settle()
  },
}
