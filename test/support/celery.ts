// startCelery(): a real Python Celery for the interop tests, as a worker and as a client.
//
//   const celery = await startCelery()
//   describe.skipIf(celery.missing)('…', () => { … })
//
// Where there is none the suite is skipped and says why; with CI=true that is a failure.
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CeleryInstall, findCelery, pythonEnv } from './celery-install.js'
import { type Running, start } from './processes.js'

export interface PythonOptions {
  readonly redisUrl: string
  /** Where results go; default: `redisUrl`. */
  readonly resultUrl?: string
  /** The queue of proj's own tasks; default `python`. */
  readonly queue?: string
  /** More Celery settings, in snake_case. */
  readonly conf?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

export interface WorkerOptions extends PythonOptions {
  /** Default: `[queue]`. */
  readonly queues?: readonly string[]
  /** The file with its app, instead of proj. */
  readonly program?: string
  /** More for the command line of `celery worker`. Default pool: prefork with 2 children. */
  readonly args?: readonly string[]
}

export interface CeleryWorker extends Omit<Running, 'stop'> {
  readonly hostname: string
  /** Warm shutdown; killed after 25 s. */
  stop(): Promise<void>
}

export interface PythonCelery {
  /** Why there is none; undefined when there is. */
  readonly missing: string | undefined
  readonly version: string
  /** What this version cannot do; empty for 5.6. */
  readonly gaps: readonly string[]
  /** Resolves when the worker is ready for messages. */
  worker(options: WorkerOptions): Promise<CeleryWorker>
  /** Runs a snippet (python/snippet.py) and resolves with what it gave. */
  python<T = unknown>(code: string, options: PythonOptions & { timeout?: number }): Promise<T>
}

const directory = fileURLToPath(new URL('python/', import.meta.url))
let workers = 0

export async function startCelery(): Promise<PythonCelery> {
  let install: CeleryInstall
  try {
    install = await findCelery()
  } catch (error) {
    const why = `Python Celery is needed here, and ${(error as Error).message}`
    if (process.env.CI === 'true') throw new Error(why)
    console.warn(`SKIPPED: ${why}`)
    return absent(why)
  }
  if (install.gaps.length > 0) {
    console.warn(`Python Celery is ${install.version}. Known gaps:\n- ${install.gaps.join('\n- ')}`)
  }
  return {
    missing: undefined,
    version: install.version,
    gaps: install.gaps,
    worker: (options) => startWorker(install, options),
    python: (code, options) => runSnippet(install, code, options),
  }
}

async function startWorker(install: CeleryInstall, options: WorkerOptions): Promise<CeleryWorker> {
  workers += 1
  const hostname = `py${process.pid}-${workers}@test`
  const queues = options.queues ?? [options.queue ?? 'python']
  const pool = options.args?.some((arg) => /^(-P|--pool|-c|--concurrency)/.test(arg)) ? [] : ['-c', '2']
  const args = [
    'worker',
    '-Q',
    queues.join(','),
    '-n',
    hostname,
    '-l',
    'INFO',
    ...pool,
    ...(options.args ?? []),
  ]
  const program = options.program ?? `${directory}proj.py`
  const worker = start(install.python, ['-m', 'celery', '-A', basename(program, '.py'), ...args], {
    cwd: dirname(program),
    env: environment(install, options),
  })
  await worker.line(/ ready\.$/, { timeout: 60_000 })
  return { ...worker, hostname, stop: async () => void (await worker.stop()) }
}

async function runSnippet<T>(
  install: CeleryInstall,
  code: string,
  options: PythonOptions & { timeout?: number },
): Promise<T> {
  const snippet = start(install.python, ['snippet.py', unindent(code)], {
    cwd: directory,
    env: environment(install, options),
  })
  const limit = setTimeout(() => snippet.signal('SIGKILL'), options.timeout ?? 50_000)
  const { code: status, signal } = await snippet.exited
  clearTimeout(limit)
  if (status !== 0) throw new Error(`Python ended with ${signal ?? status}:\n${snippet.output()}`)
  const answer = snippet.stdout().trimEnd().split('\n').at(-1)
  if (!answer)
    throw new Error(`The snippet did not give(…) anything:\n${unindent(code)}\n${snippet.output()}`)
  return JSON.parse(answer) as T
}

function environment(install: CeleryInstall, options: PythonOptions): Record<string, string> {
  return {
    ...pythonEnv(install.path, directory),
    REDIS_URL: options.redisUrl,
    RESULT_URL: options.resultUrl ?? options.redisUrl,
    QUEUE: options.queue ?? 'python',
    PROJ_CONF: JSON.stringify(options.conf ?? {}),
    C_FORCE_ROOT: '1',
    ...options.env,
  }
}

/** Python written inside a template literal carries the test's indentation. */
function unindent(code: string): string {
  const lines = code.split('\n').filter((line, index) => index > 0 || line.trim() !== '')
  const margin = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(margin)).join('\n')
}

function absent(missing: string): PythonCelery {
  const refuse = () => Promise.reject(new Error(missing))
  return { missing, version: 'none', gaps: [], worker: refuse, python: refuse }
}
