// Every setting that works has a test that sees its effect; where there is only one value, any other is refused.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readSettings } from '../../src/config.js'
import type { Row } from '../../src/config-row.js'
import { table } from '../../src/config-table.js'
import { effects } from './effects.js'

const rows = Object.entries(table as unknown as Readonly<Record<string, Row<unknown, unknown>>>)
const open = rows.filter(([, { fixed }]) => fixed !== true).map(([name]) => name)
const fixed = rows.filter(([, row]) => row.fixed === true)

it('every setting with more than one value has its test, and nothing else has', () => {
  expect(Object.keys(effects).sort()).toEqual([...open].sort())
})

it.each(Object.entries(effects))('%s: its test is there, and names it', (name, [file, title]) => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  const quoted = ["'", '"', '`'].map((quote) => quote + title + quote)
  expect(quoted.some((each) => text.includes(each))).toBe(true)
  // A declared queue, a route, an option of the command line go by their own words.
  if (!byOtherWords.has(name)) expect(text).toMatch(new RegExp(`\\b(${name}|${snake(name)})\\b`))
})

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const byOtherWords = new Set(['brokerUrl'])

it.each(fixed)('%s has one value', (name, row) => {
  for (const other of [!row.default, 'pickle', ['yaml'], 7])
    expect(() => readSettings({ [name]: other } as never, {})).toThrow(name)
})
