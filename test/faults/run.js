// The fault campaign: `npm run faults` plays every case of docs/guarantees.md against real processes and a
// Redis of its own, and prints what was injected, what was counted, and what had to hold.
//
//   npm run faults -- P1 P4 --repeat 5 --seed 42 --short
import { createJiti } from 'jiti'
import { readNames, readOptions, readWhole } from '../support/options.js'

const { values, positionals } = readOptions({
  repeat: { type: 'string', default: '1' },
  seed: { type: 'string' },
  short: { type: 'boolean', default: false },
})
const repeat = readWhole('--repeat', values.repeat, 1)
const firstSeed = values.seed === undefined ? Date.now() % 100_000 : readWhole('--seed', values.seed, 0)

const jiti = createJiti(import.meta.url, { nativeModules: ['lovage', 'ioredis'] })
const { default: build } = await jiti.import('../support/build.ts')
build()
const { table, more, long, clocks } = await jiti.import('./cases/index.ts')
const { play } = await jiti.import('./support/play.ts')
const { stopAll } = await jiti.import('../support/processes.ts')

const cases = [...table, ...more, ...long, ...clocks]
const names = readNames(
  'case',
  cases.map(({ name }) => name),
  positionals,
)

const failed = []
for (const fault of names.map((name) => cases.find((each) => each.name === name)))
  for (let round = 0; round < repeat; round++) {
    const seed = firstSeed + round
    const startedAt = performance.now()
    const report = await play(fault, values.short ? 'short' : 'full', seed)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(
      `${fault.name}  ${fault.title}  (${values.short ? 'in short, ' : ''}seed ${seed}, ${seconds} s)`,
    )
    console.log(`${String(report).replace(/^/gm, '    ')}\n`)
    if (!report.passed) failed.push(`${fault.name} (--seed ${seed})`)
  }
await stopAll()
console.log(failed.length === 0 ? 'Every promise held.' : `Broken: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)
