// Outlives the test process by a moment: it hears of every process group and temporary directory that the
// tests made, and clears them away when its parent is gone, however that ended (SIGKILL included).
// Each line on stdin is a JSON pair: ["group" | "directory", value]; "forget" takes a group off the list.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const groups = new Set()
const directories = new Set()

// Ctrl-C in the terminal reaches us too: the parent still has to tell us of what it starts until it is gone.
process.on('SIGINT', () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [what, value] = JSON.parse(line)
    if (what === 'group') groups.add(value)
    if (what === 'forget') groups.delete(value)
    if (what === 'directory') directories.add(value)
  })
  .on('close', () => {
    for (const group of groups) {
      try {
        process.kill(-group, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })
