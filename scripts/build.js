// src → dist: the compiler's output, the Lua scripts and the monitor's page beside it, and a bin that can be executed.
// dist is never emptied first, so that a running worker does not lose its modules; what no source
// stands behind any more is removed at the end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const compile = async (...options) => {
  const words = [compiler, '-p', 'tsconfig.build.json', ...options]
  const [status] = await once(spawn(process.execPath, words, { stdio: 'inherit' }), 'exit')
  return status ?? 1
}
// Declarations are read by people. JavaScript is kept in memory as it is written, by each child of a pool again, and
// one letter of a comment that is not Latin doubles its file there. Types are checked once.
const made = await Promise.all([
  compile('--emitDeclarationOnly'),
  compile('--declaration', 'false', '--removeComments', '--noCheck'),
])
const failed = made.find((status) => status !== 0)
if (failed !== undefined) process.exit(failed)

if (existsSync('src/redis/lua')) cpSync('src/redis/lua', 'dist/redis/lua', { recursive: true })
cpSync('src/monitor/page', 'dist/monitor/page', { recursive: true })
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755)

for (const file of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  if (!file.isFile()) continue
  const built = join(file.parentPath, file.name)
  const source = built.replace(/^dist/, 'src').replace(/(\.d)?\.(js|ts)$/, '.ts')
  if (!existsSync(source)) rmSync(built)
}
