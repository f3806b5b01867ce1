// Processes that tests start: each is a group of its own, its output is kept, and it is killed with all
// its children when the test file ends (clean-up.ts) or when the test process dies (watchdog.js).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { searcher } from './planted.js'
import { until } from './until.js'

export interface ProcessOptions {
  readonly cwd?: string
  /** Added to this process's own environment; undefined takes a name away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `fork()`s channel, for children that talk over IPC. */
  readonly ipc?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly exited: Promise<Exit>
  /** All that it has printed so far, stdout and stderr as they came. */
  readonly output: () => string
  readonly stdout: () => string
  readonly stderr: () => string
  /** The first line, past or to come, that matches. Rejects when the process ends before. */
  line(pattern: RegExp, options?: { timeout?: number }): Promise<string>
  /** To the process alone, as an operator would: SIGTERM, SIGSTOP, SIGCONT, SIGKILL … */
  signal(signal: NodeJS.Signals): void
  /** Asks it to end and waits; after `timeout` ms the whole group is killed. */
  stop(signal?: NodeJS.Signals, options?: { timeout?: number }): Promise<Exit>
}

const running = new Set<Running>()
/** Leaders whose group may still have a member; a leader's children can outlive it. */
const groups = new Set<number>()
let watchdog: ChildProcess | undefined

export function start(command: string, args: readonly string[], options: ProcessOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: options.ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) {
    // The reason comes later, as an event that nobody would listen to.
    child.once('error', () => {})
    throw new Error(
      `${command} could not be started: is it on PATH, and is ${options.cwd ?? '.'} a directory?`,
    )
  }
  groups.add(pid)
  tellWatchdog('group', pid)

  const printed = { both: '', stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    const search = searcher(`${command} ${args.join(' ')}`)
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
      printed.both += text
      search(text)
    })
  }
  // At 'close' everything that it printed has been read. Children left behind keep it open, though: then all has been
  // read when nothing came for a while, in which this process has looked (a timer alone may be due before it looked).
  let isClosed = false
  child.once('close', () => (isClosed = true))
  const readToTheEnd = async (): Promise<void> => {
    for (let length = -1; !isClosed && length !== printed.both.length; ) {
      length = printed.both.length
      for (let turn = 0; !isClosed && turn < 50; turn += 1)
        await new Promise((resolve) => setTimeout(() => setImmediate(resolve), 10))
    }
  }
  const exited = once(child, 'exit').then(async ([code, signal]): Promise<Exit> => {
    await readToTheEnd()
    running.delete(self)
    if (!isGroupAlive(pid)) {
      groups.delete(pid)
      tellWatchdog('forget', pid)
    }
    return { code, signal }
  })

  const self: Running = {
    child,
    pid,
    exited,
    output: () => printed.both,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    line: async (pattern, { timeout = 40_000 } = {}) => {
      const find = () => printed.both.split('\n').find((line) => pattern.test(line))
      const failure = (why: string) =>
        new Error(`${why} before a line matched ${pattern}. ${command} printed:\n${printed.both}`)
      await until(
        () => {
          if (find() !== undefined) return true
          if (!running.has(self)) throw failure('It ended')
          return false
        },
        { timeout, message: () => failure(`${timeout} ms passed`).message },
      )
      return find()!
    },
    signal: (signal) => void child.kill(signal),
    stop: async (signal = 'SIGTERM', { timeout = 25_000 } = {}) => {
      child.kill(signal)
      const impatience = setTimeout(() => killGroup(pid), timeout)
      const exit = await exited
      clearTimeout(impatience)
      return exit
    },
  }
  running.add(self)
  return self
}

/** A program for Node, in JavaScript: it runs what is published, so it imports `lovage` from dist. */
export function startNode(file: string, args: readonly string[] = [], options: ProcessOptions = {}): Running {
  return start(process.execPath, [file, ...args], options)
}

/** Runs to the end; rejects with all it printed when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Running> {
  const process = start(command, args, options)
  const { code, signal } = await process.exited
  if (code !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}:\n${process.output()}`)
  }
  return process
}

/** A directory that is gone when the tests are. */
export function temporaryDirectory(name = 'test'): string {
  const path = mkdtempSync(join(tmpdir(), `lovage-${name}-`))
  tellWatchdog('directory', path)
  return path
}

/** Kills what is left, with all its children. */
export async function stopAll(): Promise<void> {
  for (const group of groups) killGroup(group)
  await Promise.all([...running].map((process) => process.exited))
}

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}

function tellWatchdog(what: 'group' | 'forget' | 'directory', value: number | string): void {
  if (watchdog === undefined) {
    watchdog = spawn(process.execPath, [fileURLToPath(new URL('watchdog.js', import.meta.url))], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    watchdog.unref()
    // It must not keep the test process alive: that it ends is what the watchdog waits for.
    ;(watchdog.stdin as unknown as { unref(): void }).unref()
  }
  watchdog.stdin!.write(`${JSON.stringify([what, value])}\n`)
}
