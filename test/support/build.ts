// A global setup: dist is what src says now, so that no test runs a stale worker or command line.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export default function build(): void {
  if (newest('src') <= newest('dist')) return
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.js')], { stdio: 'inherit' })
  // The compiler writes JavaScript in spite of type errors; only `npm run lint` is there to judge those.
  if (status !== 0) console.warn('dist was built with errors; the tests run what came out.')
}

/** The latest change below a directory, in ms. */
function newest(directory: string): number {
  const path = join(root, directory)
  if (!existsSync(path)) return 0
  const times = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs)
  return Math.max(0, ...times)
}
