// A user's project in a directory of its own, with `lovage` installed in it, and the program run there.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, start as startProcess, startNode, temporaryDirectory } from '../support/processes.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const program = join(root, 'dist/cli/main.js')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Project {
  readonly directory: string
  write(files: Readonly<Record<string, string>>): void
  /** Starts `lovage …` and leaves it running. */
  start(line: string | readonly string[], env?: Readonly<Record<string, string>>): Running
  /** The same with something on its standard input. */
  startTyping(line: string, typed: string): Running
  /** The same with all that it prints going to this file. */
  startWriting(path: string, line: readonly string[], env?: Readonly<Record<string, string>>): Running
  /** Runs `lovage …` to its end. */
  lovage(line: string | readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
}

// What the tests' own environment says must not reach the program.
const clean = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^(CELERY|LOVAGE)_|^NO_COLOR$|^FORCE_COLOR$|^NODE_OPTIONS$/.test(name))
    .map((name) => [name, undefined]),
)

/** What is said of a file that a busy machine takes more than five seconds to load. (test/cli-unit/watch-loading.test.ts) */
const slow = /^lovage: \S+ has been loading for 5 s\. .*\n/m

export const makeProject = (files: Readonly<Record<string, string>>): Project => {
  const directory = temporaryDirectory('project')
  const write: Project['write'] = (more) => {
    for (const [name, text] of Object.entries(more)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), text)
    }
  }
  write({ 'package.json': '{ "type": "module" }', ...files })
  mkdirSync(join(directory, 'node_modules'), { recursive: true })
  symlinkSync(root, join(directory, 'node_modules/lovage'))
  const start: Project['start'] = (line, env = {}) =>
    startNode(program, typeof line === 'string' ? line.split(' ') : line, {
      cwd: directory,
      env: { ...clean, ...env },
    })
  return {
    directory,
    write,
    start,
    startTyping: (line, typed) => {
      write({ 'typed.txt': typed })
      const command = ['-c', 'exec "$0" "$@" < typed.txt', process.execPath, program, ...line.split(' ')]
      return startProcess('sh', command, { cwd: directory, env: clean })
    },
    startWriting: (path, line, env = {}) => {
      const command = ['-c', `exec "$0" "$@" > ${path} 2>&1`, process.execPath, program, ...line]
      return startProcess('sh', command, { cwd: directory, env: { ...clean, ...env } })
    },
    lovage: async (line, env) => {
      const running = start(line, env)
      const { code } = await running.exited
      return { code, out: running.stdout().trimEnd(), err: running.stderr().replace(slow, '').trimEnd() }
    },
  }
}
