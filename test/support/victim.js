// For processes.test.ts: a process that starts another and gets killed. It runs the TypeScript of this
// directory by jiti, as a test process would by vitest.
import { join } from 'node:path'
import { createJiti } from 'jiti'

const [support] = process.argv.slice(2)
const { start, temporaryDirectory } = await createJiti(import.meta.url).import(join(support, 'processes.ts'))
const shell = start('sh', ['-c', 'sleep 1000; true'])
console.log('started', shell.pid, temporaryDirectory('victim'))
