// docs/interop.md says what works in tables. Each "yes" is a test here, and each test is a "yes" there.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { calls } from './python-starts/calls.js'
import { canvases } from './python-starts/canvases.js'
import { outcomes } from './outcomes.js'
import { ends } from './python-starts/ends.js'
import { started } from './python-starts/mixed.js'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** Titles of a file's tests, but for the last, which looks at the worker. */
const titles = (path: string): string[] =>
  [...read(path).matchAll(/^ *(?:it(?:\.skipIf\(.*?\))?|typed)\(\s*(['"])(.*?)\1, /gm)].map(
    (match) => match[2] as string,
  )

const shapes = (...tables: (readonly { readonly shape: string }[])[]) =>
  tables.flat().map(({ shape }) => shape)

/** Rows that say yes under the heading, of all tables that have it. */
const rows = (heading: string): string[] => {
  const found: string[] = []
  let column = -1
  for (const line of read('../../docs/interop.md').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    if (!line.startsWith('|')) column = -1
    else if (cells.includes(heading)) column = cells.indexOf(heading)
    else if (column !== -1 && cells[column] === 'yes') found.push(cells[1] as string)
  }
  return found
}

it.each([
  ['Python calls, Node runs', shapes(calls, canvases, ends)],
  [
    'Node calls, Python runs',
    ['calls', 'canvases', 'ends'].flatMap((name) => titles(`./node-starts/${name}.ts`)),
  ],
  ['Python starts', shapes(started)],
  ['Node starts', titles('./mixed.test.ts').filter((title) => !title.startsWith('the Python worker is'))],
])('docs/interop.md, "%s": every row is a test, and every test a row', (heading, tested) => {
  expect(tested.length).toBeGreaterThan(10)
  expect(rows(heading).sort()).toEqual([...tested].sort())
})

/** The table of outcomes: what happens stands in its heading, shape and sides in front of each row. */
const endings = (): readonly (readonly [about: string, says: string])[] => {
  const lines = read('../../docs/interop.md').split('\n')
  const cellsOf = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  const from = lines.findIndex((line) => line.startsWith('| shape | starts | last part |'))
  const [, , , ...happens] = cellsOf(lines[from] as string)
  const table = lines.slice(
    from + 2,
    lines.findIndex((line, at) => at > from && !line.startsWith('|')),
  )
  return table.flatMap((line) => {
    const [shape, starts, last, ...cells] = cellsOf(line)
    return cells.map((cell, at) => [`${shape} · ${happens[at]} · ${starts} · ${last}`, cell] as const)
  })
}

it('docs/interop.md, how mixed work can end: every cell is played, or has its reason', () => {
  const said = endings()
  const known = outcomes.map(
    ({ shape, happens, starts, last, gives }) =>
      [`${shape} · ${happens} · ${starts} · ${last}`, gives === undefined ? 'no' : 'yes'] as const,
  )
  expect(said.length).toBeGreaterThan(200)
  expect(said).toHaveLength(known.length)
  expect(new Map(said.map(([about, cell]) => [about, cell.split(' ')[0]]))).toEqual(new Map(known))
  const text = read('../../docs/interop.md')
  for (const [about, cell] of said)
    if (cell !== 'yes') expect(text, about).toMatch(new RegExp(`^${cell.split(' ')[1]} `, 'm'))
})
