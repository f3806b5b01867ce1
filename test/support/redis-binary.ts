// Where a real Redis server comes from: PATH, else Debian's packages unpacked under node_modules/.cache,
// else a sentence that says what to install.
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasDebian, unpackDebian } from './debian.js'
import { provision } from './provision.js'

export interface RedisBinary {
  readonly path: string
  /** For the loader, when its libraries were unpacked beside it. */
  readonly env: Readonly<Record<string, string>>
}

export async function redisBinary(): Promise<RedisBinary> {
  const installed = onPath('redis-server') ?? onPath('valkey-server')
  if (installed) return { path: installed, env: {} }

  if (!hasDebian()) throw new Error(advice('none is on PATH'))
  try {
    const directory = await provision('lovage-redis', (into) =>
      unpackDebian(['redis-server', 'redis-tools'], { into, follow: /^lib/ }),
    )
    return {
      path: join(directory, 'usr/bin/redis-server'),
      env: { LD_LIBRARY_PATH: libraryDirectories(directory).join(delimiter) },
    }
  } catch (error) {
    throw new Error(advice(`none is on PATH, and Debian's package could not be fetched`), { cause: error })
  }
}

export function onPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return statSync(path).isFile()
      } catch {
        return false
      }
    })
}

/** usr/lib and usr/lib/x86_64-linux-gnu, or whatever this machine's is called. */
function libraryDirectories(root: string): string[] {
  return ['lib', 'usr/lib'].flatMap((name) => {
    const directory = join(root, name)
    try {
      const inside = readdirSync(directory, { withFileTypes: true })
      return [
        directory,
        ...inside.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name)),
      ]
    } catch {
      return []
    }
  })
}

const advice = (why: string) =>
  `These tests need a Redis server, and ${why}. Install redis-server or valkey-server ` +
  '(Debian: apt-get install redis-server, macOS: brew install redis), or set TEST_REDIS_URL to a server with ' +
  'an empty database.'
