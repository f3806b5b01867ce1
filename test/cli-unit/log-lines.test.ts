// The log of a worker: to a file, and what becomes of it when the disk is full.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pc from 'picocolors'
import { expect, it } from 'vitest'
import { openLog } from '../../src/cli/log-lines.js'
import { temporaryDirectory } from '../support/processes.js'

const open = (file: string, format: 'text' | 'json' = 'text') => {
  const errors: string[] = []
  const log = openLog({
    level: 'INFO',
    format,
    colors: pc.createColors(true),
    file,
    err: (line) => void errors.push(line),
  })
  return { log, errors }
}

it('goes to a file without colours, as text or as one object a line', () => {
  const file = join(temporaryDirectory('log'), 'w.log')
  for (const format of ['text', 'json'] as const) {
    const { log, errors } = open(file, format)
    log.warning('hello', { id: 'x' })
    log.debug('not this')
    log.close()
    expect(errors).toEqual([])
  }
  const [text, json] = readFileSync(file, 'utf8').trim().split('\n')
  expect(text).toMatch(/^\[[\d-]+ [\d:,]+: WARNING\/MainProcess\] hello$/)
  expect(JSON.parse(json!)).toMatchObject({ level: 'WARNING', message: 'hello', id: 'x' })
})

it('on a full disk the worker lives: the lines go to standard error, with the reason once', () => {
  const { log, errors } = open('/dev/full')
  log.info('one')
  log.info('two')
  log.close()
  expect(errors[0]).toMatch(/^--logfile \/dev\/full cannot be written: ENOSPC/)
  expect(errors.slice(1).map((line) => line.slice(-3))).toEqual(['one', 'two'])
})

it('a file that cannot be opened is refused', () => {
  expect(() => open('/nowhere/w.log')).toThrow(/^--logfile \/nowhere\/w\.log cannot be written: ENOENT/)
})
