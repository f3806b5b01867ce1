// Every captured case is held against the code by some test, or says why not yet. See claims.ts.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { claimedLater } from './claimed-later.js'
import type { Claims } from './claims.js'
import { casesOf } from './read.js'

const files = [
  'calls',
  'types',
  'compression',
  'signatures',
  'canvas',
  'canvas-progress',
  'canvas-errors',
  'callbacks',
  'stamping',
  'results',
  'broker',
]
const here = fileURLToPath(new URL('.', import.meta.url))
const modules = readdirSync(here)
  .filter((name) => name.endsWith('.claims.ts'))
  .map((name) => name.slice(0, -'.claims.ts'.length))

/** `file:case`, as are all names below. */
const claimed = new Set<string>()
for (const name of modules) {
  const { claims } = (await import(`./${name}.claims.ts`)) as { claims: Claims }
  for (const [file, cases] of Object.entries(claims)) for (const one of cases) claimed.add(`${file}:${one}`)
}
const known = (file: string): string[] => casesOf(file).map(({ name }) => `${file}:${name}`)
const waiting = Object.entries(claimedLater).flatMap(([file, cases]) =>
  Object.keys(cases).map((name) => `${file}:${name}`),
)

describe('captured cases', () => {
  it.each(files)('of %s are claimed by a test, or wait with a reason', (file) => {
    const missing = known(file).filter((name) => !claimed.has(name) && !waiting.includes(name))
    expect(missing, 'Nobody tests these cases. Claim them as test/vectors/claims.ts says.').toEqual([])
  })

  it('exist, if they are claimed or wait', () => {
    const named = [...claimed, ...waiting]
    const real = new Set([...new Set(named.map((name) => name.split(':')[0]!))].flatMap(known))
    expect(
      named.filter((name) => !real.has(name)),
      'No vector file has these cases.',
    ).toEqual([])
  })

  it('do not wait once they are claimed', () => {
    expect(
      waiting.filter((name) => claimed.has(name)),
      'Tested now: delete them from claimed-later.ts.',
    ).toEqual([])
  })
})
