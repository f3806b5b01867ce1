// A worker of the app beside, with the options of the command line; what it logs goes to standard output.
import { createLogger } from 'lovage'
import { app } from './tasks.js'

const log = createLogger({ level: 'INFO', write: (line) => void process.stdout.write(`${line}\n`) })
const worker = app.worker({ log, hostname: 'w@host', ...JSON.parse(process.argv[2]) })
process.on('message', ({ grow, shrink }) => {
  if (grow) worker.grow(grow)
  if (shrink) worker.shrink(shrink)
  process.send({ concurrency: worker.concurrency })
})
const code = await worker.run()
await app.close()
process.exit(code)
