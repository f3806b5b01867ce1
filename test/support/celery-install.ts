// Where a real Python Celery comes from: 5.6.3 by pip in a venv, or by pip --target where Python came
// without ensurepip; where pip cannot have it, Debian's 5.2.6. All of it under node_modules/.cache, in directories
// whose names say what is in them: what is wanted now was not in those of last month.
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasDebian, unpackDebian } from './debian.js'
import { run } from './processes.js'
import { isProvisioned, provision } from './provision.js'
import { onPath } from './redis-binary.js'

export interface CeleryInstall {
  readonly version: string
  readonly python: string
  /** PYTHONPATH for what is not in the interpreter's own place. */
  readonly path: string
  /** What this version cannot do although 5.6.3 can; tests that need it are skipped, and say so. */
  readonly gaps: readonly string[]
}

/** With `cryptography`, for its serializer `auth`. */
const wanted = 'celery[redis,auth]==5.6.3'

/** Found by running it: Debian packs an older version of Celery. */
const gapsOfDebian = [
  'datetime, date, decimal, uuid and time travel as text, and typed JSON is not decoded',
  'bytes cannot be sent',
  'stamps and replaced_task_nesting are in properties, not in headers',
  'group_index is null in plain groups',
  'date_done has no offset',
  'custom headers are not in request.headers',
  'a restored message of priority > 0 goes to the plain queue',
  'stamps cannot be given, nor revoked by',
  'what expires fails with a TypeError; a failure in a chord of a header is not always told',
  'messages signed by `auth` are others than those of 5.6',
  'crontab() finds other moments where day and month are ranges; events are dumped without offsets; stats have fewer fields',
]

export async function findCelery(): Promise<CeleryInstall> {
  const interpreters = ['python3', '/usr/bin/python3', 'python']
    .map((name) => (name.startsWith('/') ? name : onPath(name)))
    .filter((path): path is string => path !== undefined && existsSync(path))
  if (interpreters.length === 0) throw new Error('there is no python3 on PATH')

  const attempts = [
    ...interpreters.map((python) => () => inVenv(python)),
    ...interpreters.map((python) => () => byTarget(python)),
    () => fromDebian(),
  ]
  // Without pip the fall-back was found once, slowly. Remove its directory to have pip tried again.
  if (isProvisioned('lovage-celery-debian-auth') && !isProvisioned('lovage-celery-auth')) attempts.reverse()
  const failures: string[] = []
  for (const attempt of attempts) {
    try {
      return await attempt()
    } catch (error) {
      failures.push(String(error).trim().slice(-400))
    }
  }
  throw new Error(`no way to install ${wanted} worked:\n${failures.join('\n')}`)
}

async function inVenv(base: string): Promise<CeleryInstall> {
  const directory = await provision('lovage-celery-auth', async (into) => {
    await run(base, ['-m', 'venv', into])
    await pipInstall([join(into, 'bin/python'), '-m', 'pip'], [])
  })
  return checked({ python: join(directory, 'bin/python'), path: '', gaps: [] })
}

async function byTarget(python: string): Promise<CeleryInstall> {
  const directory = await provision('lovage-celery-target-auth', async (into) => {
    await pipInstall([python, ...(await pipFor(python, into))], ['--target', into])
    writeFileSync(join(into, 'python'), python)
  })
  return checked({ python, path: directory, gaps: [] })
}

async function fromDebian(): Promise<CeleryInstall> {
  if (!hasDebian()) throw new Error('this is not Debian')
  const packages = ['python3-celery', 'python3-redis', 'python3-cryptography']
  const directory = await provision('lovage-celery-debian-auth', (into) =>
    unpackDebian(packages, { into, follow: /^python3-(?!minimal|distutils|lib2to3)/ }),
  )
  const path = join(directory, 'usr/lib/python3/dist-packages')
  return checked({ python: '/usr/bin/python3', path, gaps: gapsOfDebian })
}

/** pip as this interpreter has it; else the wheel that Debian ships for ensurepip, which runs as it is. */
async function pipFor(python: string, directory: string): Promise<string[]> {
  try {
    await run(python, ['-m', 'pip', '--version'])
    return ['-m', 'pip']
  } catch (error) {
    if (!hasDebian()) throw error
    await unpackDebian(['python3-pip-whl'], { into: join(directory, 'pip'), follow: /^$/ })
    const { stdout } = await run('find', [join(directory, 'pip'), '-name', 'pip-*.whl'])
    return [join(stdout().trim(), 'pip')]
  }
}

async function pipInstall([command, ...pip]: string[], options: string[]): Promise<void> {
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
  await run(command!, [...pip, 'install', ...quiet, ...options, wanted])
}

/** It is not installed until it has been imported. */
async function checked(install: Omit<CeleryInstall, 'version'>): Promise<CeleryInstall> {
  const script = 'import celery, cryptography, redis; print(celery.__version__)'
  const { stdout } = await run(install.python, ['-c', script], { env: pythonEnv(install.path) })
  return { ...install, version: stdout().trim() }
}

export function pythonEnv(...path: string[]): Record<string, string> {
  return {
    PYTHONPATH: path.filter(Boolean).join(delimiter),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8',
  }
}
