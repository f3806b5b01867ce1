// Starts a child as a pool does where there is no shell, with a module that never ends.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const child = fork(new URL('../../../../dist/child.js', import.meta.url), ['--watch-parent'], {
  serialization: 'json',
})
const modules = [fileURLToPath(new URL('endless.js', import.meta.url))]
const cargo = { app: 'nobody', modules, settings: null, hostname: 'w', far: null, levels: [] }
child.send([['load', cargo, { maxMemory: null }]])
