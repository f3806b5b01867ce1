// `npm run explore` walks the engine that ships as memory://: every graph, up to three workers, every order of what
// may happen with up to two faults. It prints the states that there are, and the shortest way to a violation.
//
//   npm run explore -- chord nested --workers 3 --faults 2 --capacity 2
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { createJiti } from 'jiti'
import { readNames, readOptions, readWhole } from '../support/options.js'

const jiti = createJiti(import.meta.url)
const { graphs } = await jiti.import('./graphs.ts')

if (isMainThread) process.exitCode = await main()
else await serve()

/** A thread: explores what it is told. */
async function serve() {
  const { explore } = await jiti.import('./explore.ts')
  parentPort.on('message', (task) => {
    const startedAt = performance.now()
    const found = explore(graphs[task.name], task)
    parentPort.postMessage({ task, found, seconds: (performance.now() - startedAt) / 1000 })
  })
}

async function main() {
  const { values, positionals } = readOptions({
    workers: { type: 'string', default: '3' },
    faults: { type: 'string', default: '2' },
    /** Messages that a worker holds at once; both 1 and 2 unless it is given. */
    capacity: { type: 'string' },
  })
  const workers = readWhole('--workers', values.workers, 1, 5)
  const faults = readWhole('--faults', values.faults, 0, 5)
  const capacities = values.capacity === undefined ? [1, 2] : [readWhole('--capacity', values.capacity, 1, 9)]
  const names = readNames('graph', Object.keys(graphs), positionals)
  // Six alike tasks in pairs are as many states as all others together, and nothing new: played when it is asked for.
  const asked = positionals.length > 0 || values.capacity !== undefined
  // The largest first, so that no thread works alone at the end.
  const tasks = [...capacities]
    .reverse()
    .flatMap((capacity) => [...names].reverse().map((name) => ({ name, workers, faults, capacity })))
    .filter(({ name, capacity }) => asked || !(name === 'six' && capacity === 2))
  const startedAt = performance.now()
  const results = await inThreads(tasks)
  const seconds = (performance.now() - startedAt) / 1000
  const total = results.reduce((sum, { found }) => sum + found.states, 0)
  const broken = results.filter(({ found }) => found.violation !== null)
  for (const { task, found } of broken) {
    console.log(`\n${task.name}, capacity ${task.capacity}: ${found.violation.what}`)
    const { trace } = found.violation
    if (trace.length === 0) console.log('  from the first moment')
    for (const [index, step] of trace.entries()) console.log(`  ${index + 1}. ${step}`)
  }
  const what = `${workers} workers, up to ${faults} faults`
  console.log(`\n${total} distinct states in ${seconds.toFixed(1)} s (${what}).`)
  console.log(
    broken.length === 0 ? 'No lost node, no double edge, no stuck graph, one final state.' : 'VIOLATED.',
  )
  return broken.length === 0 ? 0 : 1
}

/** One thread for each core; prints each graph when it is done. */
async function inThreads(tasks) {
  const queue = [...tasks]
  const results = []
  const options = { resourceLimits: { maxOldGenerationSizeMb: 3000 } }
  const threads = Array.from(
    { length: Math.min(availableParallelism(), queue.length) },
    () => new Worker(fileURLToPath(import.meta.url), options),
  )
  console.log('graph     capacity     states  transitions  depth  ends     s')
  await Promise.all(
    threads.map(
      (thread) =>
        new Promise((resolve, reject) => {
          const next = () => {
            const task = queue.shift()
            if (task === undefined) resolve(thread.terminate())
            else thread.postMessage(task)
          }
          thread.on('error', reject)
          thread.on('message', (result) => {
            const { task, found, seconds } = result
            results.push(result)
            const columns = [found.states, found.transitions, found.depth, found.ends, seconds.toFixed(1)]
            const widths = [11, 13, 7, 6, 6]
            const row = columns.map((value, index) => String(value).padStart(widths[index])).join('')
            console.log(
              `${task.name.padEnd(10)}${String(task.capacity).padStart(8)}${row}${found.violation ? '  VIOLATED' : ''}`,
            )
            next()
          })
          next()
        }),
    ),
  )
  return results
}
