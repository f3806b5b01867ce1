// Names and errors that anybody may have written, in tables for a terminal.
import { expect, it } from 'vitest'
import { listOf } from '../../src/cli/beat-print.js'
import { columns } from '../../src/cli/columns.js'
import { printable } from '../../src/cli/printable.js'

const hostile = 'a\u001b[2Jb\nc\u202e'
const harmless = 'a\\u{1b}[2Jb\\u{a}c\\u{202e}'

it('moves no cursor and begins no line', () => {
  expect(printable(hostile)).toBe(harmless)
  expect(
    columns([
      ['NAME', 'STATE'],
      [hostile, 'paused'],
    ]),
  ).toBe(`${'NAME'.padEnd(harmless.length)}  STATE\n${harmless}  paused`)
  expect(listOf([{ name: hostile, trouble: hostile }])).toBe(`! ${harmless}`)
})
