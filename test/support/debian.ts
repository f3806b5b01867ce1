// Debian's packages without root: downloaded, unpacked into a directory, never installed.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './processes.js'

/**
 * Unpacks `packages` and those of their dependencies that match `follow` and are not installed here.
 * Uses the machine's package lists; when there are none, or they are too old, lists of its own.
 */
export async function unpackDebian(
  packages: readonly string[],
  { into, follow }: { into: string; follow: RegExp },
): Promise<void> {
  mkdirSync(into, { recursive: true })
  try {
    await download([], packages, follow, into)
  } catch {
    const ownLists = listsUnder(into)
    await run('apt-get', [...ownLists, 'update'])
    await download(ownLists, packages, follow, into)
    rmSync(join(into, 'apt'), { recursive: true })
  }
  for (const file of readdirSync(into).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', join(into, file), into])
    rmSync(join(into, file))
  }
}

export const hasDebian = (): boolean => existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg')

async function download(options: string[], packages: readonly string[], follow: RegExp, into: string) {
  const wanted = new Set(packages)
  for (const name of wanted) {
    for (const needed of await dependencies(options, name)) {
      if (follow.test(needed) && !(await isInstalled(needed))) wanted.add(needed)
    }
  }
  await run('apt-get', [...options, 'download', ...wanted], { cwd: into })
}

/** The direct ones; of alternatives (`  |Depends`) apt-cache lists each, and one more does no harm. */
async function dependencies(options: string[], name: string): Promise<string[]> {
  const { stdout } = await run('apt-cache', [...options, 'depends', '--no-recommends', '--no-suggests', name])
  return [...stdout().matchAll(/^ {1,2}\|?(?:Pre)?Depends: ([a-z0-9][a-z0-9+.-]*)/gm)].map(
    (match) => match[1]!,
  )
}

async function isInstalled(name: string): Promise<boolean> {
  try {
    const { stdout } = await run('dpkg-query', ['-W', '-f', '${Status}', name])
    return stdout().includes('install ok installed')
  } catch {
    return false
  }
}

/** apt's state in a directory that an ordinary user may write. */
function listsUnder(directory: string): string[] {
  const lists = join(directory, 'apt', 'lists')
  const cache = join(directory, 'apt', 'cache')
  mkdirSync(join(lists, 'partial'), { recursive: true })
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true })
  return ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'Debug::NoLocking=1']
}
