// (What becomes of lines when the disk is full stands in log-lines.test.ts.)
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openLogFile } from '../../src/cli/log-file.js'
import { temporaryDirectory } from '../support/processes.js'

const open = () => {
  const directory = join(temporaryDirectory('log-file'), 'logs')
  mkdirSync(directory)
  const path = join(directory, 'w.log')
  const errors: string[] = []
  return { directory, path, errors, file: openLogFile(path, (line) => void errors.push(line), 0) }
}
const read = (path: string): string => readFileSync(path, 'utf8')

it('goes on in a new file when its own was moved away or removed', () => {
  const { path, errors, file } = open()
  file.write('one')
  renameSync(path, `${path}.1`)
  file.write('two')
  expect([read(`${path}.1`), read(path)]).toEqual(['one\n', 'two\n'])
  rmSync(path)
  file.write('three')
  file.write('four')
  file.close()
  expect(read(path)).toBe('three\nfour\n')
  expect(errors).toEqual([])
})

it('says once when there is no place for a new one, and finds it again when there is', () => {
  const { directory, path, errors, file } = open()
  renameSync(directory, `${directory}-moved`)
  file.write('one')
  file.write('two')
  mkdirSync(directory)
  file.write('three')
  file.close()
  expect(errors).toEqual([
    expect.stringMatching(/^--logfile .*w\.log cannot be written: ENOENT/),
    'one',
    'two',
  ])
  expect(read(path)).toBe('three\n')
})
