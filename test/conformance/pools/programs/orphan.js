// Starts a child as a pool does where there is no shell, with a module that never ends.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../../../dist/child.js', import.meta.url))
const child = spawn(process.execPath, [program, '--watch-parent'], {
  stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
})
const modules = [fileURLToPath(new URL('endless.js', import.meta.url))]
const cargo = { app: 'nobody', modules, settings: null, hostname: 'w', far: null, levels: [] }
child.stdio[3].write(`${JSON.stringify([['load', cargo, { maxMemory: null }]])}\n`)
